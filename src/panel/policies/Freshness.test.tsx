import { createDataFrame } from '@grafana/data';
import { render, screen } from '@testing-library/react';

import { testIds } from '../testIds';
import { Freshness, freshnessWords } from './Freshness';
import { freshnessOf, mergeFreshness, type PoliciesFreshness } from './policyFrames';

const at = (time: string) => Date.parse(`2026-11-30T${time}Z`);
const nowMs = at('14:05:00');
const fresh: PoliciesFreshness = { checked: nowMs, read: at('14:03:12'), reading: false, problems: [] };

test.each<[Partial<PoliciesFreshness>, string]>([
  [{}, 'Policies read at 14:03:12, still watched'],
  [{ read: at('14:03:12') - 86_400_000 }, 'Policies read at 2026-11-29 14:03:12, still watched'],
  [{ checked: at('14:02:00') }, 'Policies read at 14:03:12, watched until 14:02:00'],
  [{ staleSince: at('14:01:07') }, 'Policies stale since 14:01'],
  [{ staleSince: at('14:01:07'), reading: true }, 'Policies stale since 14:01'],
  [{ reading: true }, 'Policies are being read from the cluster…'],
  [{ read: undefined }, 'The policies of the cluster were not read'],
  [{ problems: ['the account may not `list` `services`'] }, 'Policies read at 14:03:12, some are missing'],
])('%j', (given, expected) => {
  expect(freshnessWords({ ...fresh, ...given }, 'utc', nowMs)).toBe(expected);
});

test('it is there with a cluster alone, and names the reason', () => {
  const { rerender } = render(<Freshness freshness={undefined} timeZone="utc" />);
  expect(screen.queryByTestId(testIds.freshness)).toBeNull();
  rerender(<Freshness freshness={{ ...fresh, problems: ['away'] }} timeZone="utc" />);
  expect(screen.getByTestId(testIds.freshness).getAttribute('title')).toBe('away');
});

test('frames tell it, and anything else tells nothing', () => {
  const of = (policiesFreshness: unknown) =>
    freshnessOf(createDataFrame({ meta: { custom: { policiesFreshness } }, fields: [] }));
  expect(of({ ...fresh, staleSince: null })).toEqual({ ...fresh, staleSince: undefined });
  expect(of({ read: 'x', problems: 7 })).toEqual({ checked: 0, reading: false, problems: [] });
  for (const other of [undefined, null, 'fresh', 7]) {
    expect(of(other)).toBeUndefined();
  }
});

test('of several clusters, the worst counts', () => {
  const other = {
    checked: nowMs - 1,
    read: at('13:00:00'),
    staleSince: at('13:30:00'),
    reading: true,
    problems: ['away'],
  };
  expect(mergeFreshness(fresh, other)).toEqual(other);
  expect(mergeFreshness(fresh, undefined)).toBe(fresh);
  expect(mergeFreshness(fresh, { ...fresh, read: undefined })?.read).toBeUndefined();
});
