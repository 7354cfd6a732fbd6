import {
  FieldType,
  LogRowContextQueryDirection,
  SupplementaryQueryType,
  toDataFrame,
  type DataFrame,
  type DataQueryRequest,
  type LogRowModel,
} from '@grafana/data';

import type { FlowsQuery, HubbleQuery } from '../query/model';
import { contextRows, contextFilters, contextQuery, contextRequest, scopesOf } from './context';
import { hasFilter, modifyQuery, toggleFilter } from './toggle';
import { supplementaryRequest } from './volume';

const logs: FlowsQuery = { refId: 'A', queryType: 'flows', format: 'logs', text: 'hubble observe -n pets' };

describe('volume', () => {
  const request = (targets: HubbleQuery[]) => ({ requestId: 'x', targets }) as DataQueryRequest<HubbleQuery>;

  test('counts the same flows by level', () => {
    const asked = supplementaryRequest(SupplementaryQueryType.LogsVolume, request([logs]));
    expect(asked?.targets).toEqual([
      {
        refId: 'log-volume-A',
        queryType: 'flowMetrics',
        text: 'hubble observe -n pets',
        metric: 'count',
        groupBy: ['level'],
        format: 'time_series',
        limit: 10,
        datasource: undefined,
      },
    ]);
  });

  test.each<[string, HubbleQuery]>([
    ['a table', { ...logs, format: 'table' }],
    ['a hidden query', { ...logs, hide: true }],
    ['metrics', { refId: 'A', queryType: 'flowMetrics' }],
    ['PromQL', { refId: 'A', expr: 'up' }],
  ])('does not exist for %s', (_, query) => {
    expect(supplementaryRequest(SupplementaryQueryType.LogsVolume, request([query]))).toBeUndefined();
  });

  test('is the only supplementary query', () => {
    expect(supplementaryRequest(SupplementaryQueryType.LogsSample, request([logs]))).toBeUndefined();
  });
});

describe('a click on a value', () => {
  const action = (type: 'FILTER_FOR' | 'FILTER_OUT') => ({ type, options: { key: 'toPort', value: '53' } });
  const is = { key: 'toPort', operator: '=', value: '53' };
  const isNot = { ...is, operator: '!=' };

  test('adds, negates and removes a filter', () => {
    const shown = toggleFilter(logs, action('FILTER_FOR'));
    expect(shown).toEqual({ ...logs, adhocFilters: [is] });
    expect(hasFilter(shown, { key: 'toPort', value: '53' })).toBe(true);
    const leftOut = toggleFilter(shown, action('FILTER_OUT'));
    expect(leftOut).toEqual({ ...logs, adhocFilters: [isNot] });
    expect(hasFilter(leftOut, { key: 'toPort', value: '53' })).toBe(false);
    expect(toggleFilter(leftOut, action('FILTER_OUT'))).toEqual({ ...logs, adhocFilters: [] });
  });

  test('adds a filter once', () => {
    const add = { type: 'ADD_FILTER', options: { key: 'toPort', value: '53' } };
    const added = modifyQuery(logs, add);
    expect(added).toEqual({ ...logs, adhocFilters: [is] });
    expect(modifyQuery(added, add)).toBe(added);
    expect(modifyQuery(logs, { ...add, type: 'ADD_FILTER_OUT' })).toEqual({ ...logs, adhocFilters: [isNot] });
    expect(modifyQuery(logs, { ...add, type: 'ADD_STRING_FILTER' })).toBe(logs);
  });

  test('becomes a matcher in PromQL', () => {
    const promql: HubbleQuery = { refId: 'A', expr: 'rate(up[$__rate_interval])' };
    const add = { type: 'ADD_FILTER_OUT', options: { key: 'pod', value: 'a' } };
    expect(modifyQuery(promql, add)).toEqual({ refId: 'A', expr: 'rate(up{pod!="a"}[$__rate_interval])' });
    expect(modifyQuery({ refId: 'A', expr: 'up{' }, add)).toEqual({ refId: 'A', expr: 'up{' });
    expect(toggleFilter(promql, action('FILTER_FOR'))).toBe(promql);
    expect(hasFilter(promql, { key: 'toPort', value: '53' })).toBe(false);
  });
});

describe('the flows around a flow', () => {
  const pods = { fromPod: 'pets/a', toPod: 'pets/b', fromIp: '10.0.0.1', toIp: '10.0.0.2' };
  const world = { fromPod: 'pets/a', toIp: '1.1.1.1' };

  test.each([
    [
      'pair',
      pods,
      [
        { source_pod: ['pets/a'], destination_pod: ['pets/b'] },
        { source_pod: ['pets/b'], destination_pod: ['pets/a'] },
      ],
    ],
    [
      'pair',
      world,
      [
        { source_pod: ['pets/a'], destination_ip: ['1.1.1.1'] },
        { source_ip: ['1.1.1.1'], destination_pod: ['pets/a'] },
      ],
    ],
    ['direction', pods, [{ source_pod: ['pets/a'], destination_pod: ['pets/b'] }]],
    ['destination', world, [{ source_ip: ['1.1.1.1'] }, { destination_ip: ['1.1.1.1'] }]],
    // Scopes that were chosen for another flow; this one lacks labels for them.
    ['pair', { fromPod: 'pets/a' }, [{ source_pod: ['pets/a'] }, { destination_pod: ['pets/a'] }]],
    ['pair', {}, undefined],
  ] as const)('%s of %j', (scope, labels, expected) => {
    const filters = contextFilters(labels, scope)?.map((filter) => JSON.parse(filter));
    expect(filters).toEqual(expected);
  });

  test('depend on the labels of the flow', () => {
    expect(scopesOf(pods)).toEqual(['pair', 'direction', 'source', 'destination']);
    expect(scopesOf({ toIp: '1.1.1.1' })).toEqual(['destination']);
  });

  const frame = toDataFrame({
    fields: [
      { name: 'timestamp', type: FieldType.time, values: [1_000, 2_000, 2_000, 2_000, 3_000] },
      { name: 'id', type: FieldType.string, values: ['a', 'b', 'own', 'c', 'd'] },
    ],
  });
  frame.fields[0]!.nanos = [0, 1, 5, 7, 0];
  const row = {
    labels: pods,
    timeEpochMs: 2_000,
    timeEpochNs: '2000000005',
    rowIndex: 2,
    uid: 'own',
    dataFrame: frame,
  } as unknown as LogRowModel;
  const ids = (frame: DataFrame) => frame.fields[1]?.values;

  test('after it: the oldest first', () => {
    const options = { direction: LogRowContextQueryDirection.Forward, limit: 50, timeWindowMs: 60_000 };
    const query = contextQuery(row, 'pair', options);
    expect(query).toMatchObject({ format: 'logs', limit: 50, first: 50 });
    const { range } = contextRequest(row, query, options);
    expect([range.from.valueOf(), range.to.valueOf()]).toEqual([2_000, 62_000]);
    expect(ids(contextRows(frame, row, options.direction))).toEqual(['d', 'c']);
  });

  test('before it: the newest first', () => {
    const options = { direction: LogRowContextQueryDirection.Backward, timeWindowMs: 60_000 };
    const query = contextQuery(row, 'pair', options);
    expect(query).not.toHaveProperty('first');
    const { range } = contextRequest(row, query, options);
    expect([range.from.valueOf(), range.to.valueOf()]).toEqual([-58_000, 2_001]);
    expect(ids(contextRows(frame, row, options.direction))).toEqual(['b', 'a']);
  });

  test('need a flow with a source or destination', () => {
    expect(() => contextQuery({ ...row, labels: {} }, 'pair')).toThrow('neither a pod nor an address');
  });
});
