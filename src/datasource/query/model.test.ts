import { defaultQuery, limitOf, queryTypeOf, type FlowsQuery } from './model';
import { rowsOf, sameFilters, sentenceOf, withRows, type FilterRow } from './rows';

test.each([
  [{ queryType: 'flows' as const }, 'flows'],
  [{ queryType: 'promql' as const, expr: '' }, 'promql'],
  [{ expr: 'up' }, 'promql'],
  [{ expr: '' }, 'promql'],
  [{}, 'flows'],
  [{ queryType: 'flows' as const, expr: 'up' }, 'flows'],
])('%j asks for %s', (query, expected) => {
  expect(queryTypeOf(query)).toBe(expected);
});

test('Explore gets packed flows, a panel a table', () => {
  expect(defaultQuery('explore').format).toBe('packed');
  expect(defaultQuery('panel-editor').format).toBe('table');
  expect(defaultQuery().queryType).toBe('flows');
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

  test('of one field and side become one', () => {
    const twice: FilterRow = { side: 'filter', field: 'verdict', values: ['DROPPED', 'AUDIT'] };
    expect(withRows(query, [rows[0]!, twice]).filter).toEqual({ verdict: ['DROPPED', 'AUDIT'] });
  });

  test('read as a sentence', () => {
    expect(sentenceOf({ ...query, filter: { verdict: ['DROPPED', 'ERROR'], namespace: [] } })).toBe(
      'Flows, Verdict is DROPPED or ERROR, Pod is not kube-system/'
    );
    expect(sentenceOf({ refId: 'A', queryType: 'flows' })).toBe('Flows');
  });

  test('leave out what is no field', () => {
    const foreign = { ...query, filter: { nonsense: ['x'] } as FlowsQuery['filter'] };
    expect(rowsOf(foreign)).toEqual([rows[2]]);
  });

  test('ask something new only with other values', () => {
    expect(sameFilters(query, withRows(query, [rows[0]!, rows[2]!]))).toBe(true);
    expect(sameFilters(query, withRows(query, [rows[0]!]))).toBe(false);
    expect(sameFilters(query, withRows(query, [{ ...rows[0]!, side: 'exclude' }, rows[2]!]))).toBe(false);
  });
});
