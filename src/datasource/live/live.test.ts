import type { DataQueryRequest } from '@grafana/data';

import type { HubbleQuery } from '../query/model';
import { follows, liveAddress, liveQueries } from './live';

test.each<[Partial<HubbleQuery>, boolean]>([
  [{ follow: true }, true],
  [{ text: 'hubble observe -f -n pets' }, true],
  [{ text: 'hubble observe -n pets --follow' }, true],
  [{ text: 'hubble observe --http-path a-f' }, false],
  [{ text: 'hubble observe', follow: true }, false],
  [{}, false],
])('%j follows: %s', (query, expected) => {
  expect(follows({ refId: 'A', queryType: 'flows', ...query } as Parameters<typeof follows>[0])).toBe(expected);
});

describe('a request', () => {
  const targets: HubbleQuery[] = [
    { refId: 'A', queryType: 'flows', format: 'packed' },
    { refId: 'B', queryType: 'flows', format: 'table', follow: true },
    { refId: 'C', queryType: 'flowMetrics' },
    { refId: 'D', expr: 'up' },
  ];
  const live = (app: string, liveStreaming: boolean) =>
    liveQueries({ app, liveStreaming, targets } as DataQueryRequest<HubbleQuery>).map(({ refId, format }) => [
      refId,
      format,
    ]);

  test('of Explore’s live mode streams all flows as log lines', () => {
    expect(live('explore', true)).toEqual([
      ['A', 'logs'],
      ['B', 'logs'],
    ]);
  });

  test('of a dashboard streams queries with follow', () => {
    expect(live('dashboard', false)).toEqual([['B', 'table']]);
  });

  test('of Explore or of an alert does not stream by itself', () => {
    expect(live('explore', false)).toEqual([]);
    expect(live('unified-alerting', false)).toEqual([]);
  });
});

test('each query and user has a channel', () => {
  const query = { refId: 'A', queryType: 'flows' } as const;
  const pathOf = (user: number, given: object) => liveAddress('hubble', user, { ...query, ...given }).path;
  expect(pathOf(7, {})).toMatch(/^flows\/7-[0-9a-f]{1,16}$/);
  expect(pathOf(7, {})).toBe(pathOf(7, {}));
  const others = [pathOf(8, {}), pathOf(7, { limit: 1 }), pathOf(7, { filter: { pod: ['a'] } })];
  expect(new Set([pathOf(7, {}), ...others]).size).toBe(4);
});
