import { importPromql } from './importPromql';

const rate = {
  refId: 'B',
  datasource: { type: 'prometheus', uid: 'prom' },
  expr: 'rate(hubble_drop_total[$__rate_interval])',
  legendFormat: '{{reason}}',
  interval: '30s',
  range: true,
  instant: false,
  exemplar: true,
  format: 'time_series',
  editorMode: 'code',
};

test.each(['prometheus', 'grafana-amazonprometheus-datasource', 'grafana-azureprometheus-datasource'])(
  'a panel of %s keeps its queries',
  (origin) => {
    const up = { refId: 'A', expr: 'up', hide: true };
    expect(importPromql([rate, up], origin)).toEqual([
      { ...rate, queryType: 'promql' },
      { ...up, queryType: 'promql' },
    ]);
  }
);

test.each<[string, object]>([
  ['loki', { refId: 'C', expr: '{app="store-front"}', queryType: 'range' }],
  ['tempo', { refId: 'C', query: '{}', queryType: 'traceql' }],
  ['grafana-testdata-datasource', { refId: 'C', scenarioId: 'random_walk' }],
])('no query of %s is kept', (origin, query) => {
  expect(importPromql([query as { refId: string }], origin)).toEqual([]);
});

test('an empty Prometheus query stays PromQL', () => {
  expect(importPromql([{ refId: 'A', expr: '' } as { refId: string }], 'prometheus')).toEqual([
    { refId: 'A', expr: '', queryType: 'promql' },
  ]);
});
