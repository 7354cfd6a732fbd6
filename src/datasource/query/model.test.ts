import {
  defaultQuery,
  normalizeQuery,
  limitOf,
  queryTypeOf,
  withType,
  type FlowsQuery,
  type HubbleQuery,
} from './model';
import { rowsOf, sameFilters, sentenceOf, withRows, type FilterRow } from './rows';

test.each([
  [{ queryType: 'flows' as const }, 'flows'],
  [{ queryType: 'promql' as const, expr: '' }, 'promql'],
  [{ expr: 'up' }, 'promql'],
  [{ expr: '' }, 'promql'],
  [{}, 'flows'],
  // Grafana merges the default of this source into a query of Prometheus.
  [{ queryType: 'flows' as const, expr: 'up' }, 'promql'],
  [{ queryType: 'flowMetrics' as const, expr: 'up' }, 'promql'],
  [{ queryType: 'flows' as const, expr: ' ' }, 'flows'],
])('%j has the type %s', (query, expected) => {
  expect(queryTypeOf(query)).toBe(expected);
});

test.each<[string | undefined, object]>([
  ['explore', { queryType: 'flows', format: 'packed' }],
  ['panel-editor', { queryType: 'flows' }],
  [undefined, { queryType: 'flows' }],
  ['unified-alerting', { queryType: 'flowMetrics', metric: 'rate', groupBy: ['verdict'], format: 'top' }],
  ['cloud-alerting', { queryType: 'flowMetrics', metric: 'rate', groupBy: ['verdict'], format: 'top' }],
])('the default query in %s', (app, expected) => {
  expect(defaultQuery(app)).toEqual(expected);
});

/** A query whose missing fields Grafana filled with the defaults, as it does in several places. */
const merged = (query: object, app?: string) => ({ ...defaultQuery(app), refId: 'A', ...query }) as HubbleQuery;

test.each<[string, HubbleQuery, object]>([
  ['flow metrics', merged({ queryType: 'flowMetrics', metric: 'rate' }, 'explore'), { metric: 'rate' }],
  ['flow metrics with the limit of flows', merged({ queryType: 'flowMetrics', limit: 1_000 }), {}],
  ['flow metrics with the form of flows', merged({ queryType: 'flowMetrics', format: 'table' }), {}],
  [
    'flow metrics with their own',
    merged({ queryType: 'flowMetrics', format: 'top', limit: 500 }),
    { format: 'top', limit: 500 },
  ],
  ['flows', merged({ queryType: 'flows', format: 'logs', limit: 5_000 }), { format: 'logs', limit: 5_000 }],
  ['flows that were counted before', merged({ queryType: 'flows', metric: 'rate', groupBy: [], format: 'top' }), {}],
  ['a map', merged({ queryType: 'serviceMap', by: 'pod', limit: 1_000 }, 'explore'), { by: 'pod' }],
  ['drops', merged({ queryType: 'flowAnnotations', limit: 100_000 }), {}],
  ['drops', merged({ queryType: 'flowAnnotations', limit: 1_000 }), { limit: 1_000 }],
  ['DNS', merged({ queryType: 'dnsConnections', limit: 20_000, ip: '10.0.0.1' }), { ip: '10.0.0.1' }],
  ['PromQL', merged({ expr: 'up', instant: true }, 'explore'), { expr: 'up', instant: true, queryType: 'promql' }],
  ['PromQL in a rule', merged({ expr: 'up' }, 'unified-alerting'), { expr: 'up', queryType: 'promql' }],
  // The backend reports unknown values by name.
  ['a mistake', merged({ queryType: 'flowMetrics', limit: -1, format: 'tabel' }), { limit: -1, format: 'tabel' }],
  [
    'fields of Grafana',
    merged({ queryType: 'flowMetrics', instant: false, range: true }),
    { instant: false, range: true },
  ],
])('values of another query type become defaults in %s', (_, query, expected) => {
  expect(normalizeQuery(query)).toEqual({ refId: 'A', queryType: query.queryType, ...expected });
});

test.each(['unified-alerting', 'cloud-alerting'])('in %s, another type starts with an alertable default', (app) => {
  const flows: HubbleQuery = { refId: 'A', queryType: 'flows', filter: { namespace: ['pets'] }, limit: 1_000 };
  const counted = withType(flows, 'flowMetrics', app);
  expect(counted).toMatchObject({ queryType: 'flowMetrics', format: 'top', filter: { namespace: ['pets'] } });
  expect(counted).not.toHaveProperty('limit');
  expect(withType(flows, 'promql', app)).toMatchObject({ instant: true, range: false });
});

test.each([
  ['1', 1],
  [' 100000 ', 100_000],
  ['0', undefined],
  ['100001', undefined],
  ['1.5', undefined],
  ['', undefined],
  ['many', undefined],
])('the limit %j is %s', (text, expected) => {
  expect(limitOf(text)).toBe(expected);
});

describe('filter lines', () => {
  const query: FlowsQuery = {
    refId: 'A',
    queryType: 'flows',
    filter: { verdict: ['DROPPED'], namespace: [] },
    exclude: { pod: ['kube-system/'] },
  };
  const rows: FilterRow[] = [
    { side: 'filter', field: 'verdict', values: ['DROPPED'] },
    { side: 'filter', field: 'namespace', values: [] },
    { side: 'exclude', field: 'pod', values: ['kube-system/'] },
  ];

  test('come from a query and go back into it', () => {
    expect(rowsOf(query)).toEqual(rows);
    expect(withRows(query, rows)).toEqual(query);
    expect(withRows(query, [])).toEqual({ ...query, filter: {}, exclude: {} });
  });

  test('of one field and operator become one', () => {
    const twice: FilterRow = { side: 'filter', field: 'verdict', values: ['DROPPED', 'AUDIT'] };
    expect(withRows(query, [rows[0]!, twice]).filter).toEqual({ verdict: ['DROPPED', 'AUDIT'] });
  });

  test('read as one line of text', () => {
    expect(sentenceOf({ ...query, filter: { verdict: ['DROPPED', 'ERROR'], namespace: [] } })).toBe(
      'Flows, Verdict is DROPPED or ERROR, Pod is not kube-system/'
    );
    expect(sentenceOf({ refId: 'A', queryType: 'flows' })).toBe('Flows');
  });

  test('leave out unknown fields', () => {
    const foreign = { ...query, filter: { nonsense: ['x'] } as FlowsQuery['filter'] };
    expect(rowsOf(foreign)).toEqual([rows[2]]);
  });

  test('differ only by their values', () => {
    expect(sameFilters(query, withRows(query, [rows[0]!, rows[2]!]))).toBe(true);
    expect(sameFilters(query, withRows(query, [rows[0]!]))).toBe(false);
    expect(sameFilters(query, withRows(query, [{ ...rows[0]!, side: 'exclude' }, rows[2]!]))).toBe(false);
  });
});
