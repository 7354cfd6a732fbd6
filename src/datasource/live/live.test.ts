import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { DataQueryRequest } from '@grafana/data';

import type { FlowsQuery, HubbleQuery } from '../query/model';
import { liveAddress, livePath } from './address';
import { follows, liveQueries } from './live';

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

test('the name of a channel depends on what it follows, not on its viewer or view', () => {
  const query: FlowsQuery = { refId: 'A', queryType: 'flows', format: 'table', filter: { pod: ['a'], ip: ['::1'] } };
  const pathOf = (given: object) => liveAddress('hubble', { ...query, ...given }).path;
  const path = pathOf({});
  expect(path).toMatch(/^flows\/[0-9a-f]{64}$/);
  const views: object[] = [
    { refId: 'B', key: 'Q-1', datasource: { uid: 'hubble' }, hide: false },
    { filter: { ip: ['::1'], pod: ['a'] } },
    { format: undefined, queryType: undefined, exclude: undefined },
    { limit: 50, follow: true, editorMode: 'builder' },
  ];
  expect(views.map(pathOf)).toEqual(views.map(() => path));
  const others = [{ filter: { pod: ['a'] } }, { last: 5 }, { format: 'logs' }, { text: 'hubble observe -f' }].map(
    pathOf
  );
  expect(new Set([path, ...others]).size).toBe(5);
});

const vectors = readFileSync(join(__dirname, '../../../tests/vectors/live-paths.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { query: string; path: string });

test.each(vectors)('the backend expects $query on the path that the page asks for', ({ query, path }) => {
  expect(livePath(JSON.parse(query) as object)).toBe(path);
});

test('the backend hashes what the page sends', () => {
  const { path, data } = liveAddress('hubble', { refId: 'A', queryType: 'flows', since: undefined, last: 20 });
  expect(livePath(JSON.parse(JSON.stringify(data)) as object)).toBe(path);
  expect(data).toEqual({ queryType: 'flows', format: 'table', last: 20 });
});
