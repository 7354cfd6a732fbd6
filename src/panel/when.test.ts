import { inZone, shortTimes } from './when';

test.each([
  [
    'nodes kind/worker-1 remember flows since 2026-11-29 21:10:00.123 UTC',
    'America/New_York',
    'nodes kind/worker-1 remember flows since 2026-11-29 16:10:00',
  ],
  [
    'from 2026-11-29 23:59:59 UTC to 2026-11-30 00:10:00 UTC',
    'Europe/Berlin',
    'from 2026-11-30 00:59:59 to 2026-11-30 01:10:00',
  ],
  ['7 events were lost', 'utc', '7 events were lost'],
  ['at 2026-99-29 21:10:00 UTC', 'utc', 'at 2026-99-29 21:10:00 UTC'],
])('%j in the time zone %s', (sentence, zone, expected) => {
  expect(inZone(sentence, zone)).toBe(expected);
});

const at = (time: string) => Date.parse(time);

test.each([
  [['2026-11-29T20:44:00Z', '2026-11-29T21:10:00Z'], '2026-11-29T21:15:00Z', 'utc', ['20:44', '21:10']],
  [['2026-11-29T20:44:00Z', '2026-11-29T21:10:00Z'], '2026-11-29T21:15:00Z', 'America/New_York', ['15:44', '16:10']],
  [['2026-11-29T21:10:04Z', '2026-11-29T21:10:31Z'], '2026-11-29T21:15:00Z', 'utc', ['21:10:04', '21:10:31']],
  [
    ['2026-11-28T23:50:00Z', '2026-11-29T00:10:00Z'],
    '2026-11-29T00:15:00Z',
    'utc',
    ['2026-11-28 23:50', '2026-11-29 00:10'],
  ],
])('%j are formatted at %s in %s', (times, now, zone, expected) => {
  expect(shortTimes(times.map(at), at(now), zone)).toEqual(expected);
});
