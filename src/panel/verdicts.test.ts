import { toneOf } from './verdicts';

test.each([
  ['DROPPED', 'bad'],
  ['FORWARDED', 'good'],
  ['REDIRECTED', 'diverted'],
  ['AUDIT', 'doubtful'],
  ['ERROR', 'doubtful'],
  ['TRACED', 'neutral'],
  ['42', 'neutral'],
])('%s has one colour everywhere: %s', (verdict, tone) => {
  expect(toneOf(verdict)).toBe(tone);
});
