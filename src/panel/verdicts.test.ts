import { createTheme } from '@grafana/data';

import { verdictColors } from '../datasource/query/generated';
import { toneColors, toneOf } from './verdicts';

test.each([
  ['DROPPED', 'bad', 'red'],
  ['FORWARDED', 'good', 'green'],
  ['REDIRECTED', 'diverted', 'blue'],
  ['AUDIT', 'doubtful', 'orange'],
  ['ERROR', 'doubtful', 'orange'],
  ['TRACED', 'passing', 'purple'],
  ['TRANSLATED', 'passing', 'purple'],
  ['VERDICT_UNKNOWN', 'neutral', undefined],
  ['42', 'neutral', undefined],
  ['constructor', 'neutral', undefined],
])('the colour of %s is %s', (verdict, tone, color) => {
  expect(toneOf(verdict)).toBe(tone);
  expect(Object.entries(verdictColors).find(([name]) => name === verdict)?.[1]).toBe(color);
});

test.each(['dark', 'light'] as const)('all tones differ in the %s theme', (mode) => {
  const colors = Object.values(toneColors(createTheme({ colors: { mode } })));
  expect(new Set(colors.map(({ text }) => text)).size).toBe(colors.length);
  expect(new Set(colors.map(({ mark }) => mark)).size).toBe(colors.length);
});
