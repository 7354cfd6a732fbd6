import {
  dateTime,
  LoadingState,
  toDataFrame,
  LiveChannelConnectionState,
  LiveChannelEventType,
  type DataQueryRequest,
  type DataSourceApi,
  type DataSourceInstanceSettings,
  type LiveChannelEvent,
} from '@grafana/data';
import {
  DataSourceWithBackend,
  setGrafanaLiveSrv,
  type GrafanaLiveSrv,
  type LiveDataStreamOptions,
} from '@grafana/runtime';
import { concat, firstValueFrom, lastValueFrom, NEVER, of, take, toArray } from 'rxjs';

import { HubbleDataSource } from './datasource';
import type { Template } from './query/interpolate';
import type { HubbleQuery, PromqlQuery } from './query/model';
import { text } from './text';
import type { HubbleSettings } from './types';
import type { HubbleVariables } from './variables/HubbleVariables';
import type { VariableQuery } from './variables/query';

const template: Template = {
  getVariables: () => [],
  replace: (target = '') => target.replaceAll('$ns', 'pets'),
};

function source(jsonData: Partial<HubbleSettings> = {}): HubbleDataSource {
  const settings = { uid: 'hubble', type: 'k8snet-hubble-datasource', jsonData };
  return new HubbleDataSource(settings as unknown as DataSourceInstanceSettings<HubbleSettings>, template);
}

const range = { from: dateTime(1_000), to: dateTime(61_000), raw: { from: 'now-1m', to: 'now' } };

test.each<[Partial<PromqlQuery> | Partial<HubbleQuery>, boolean]>([
  [{ queryType: 'flows' }, true],
  [{ queryType: 'flows', hide: true }, false],
  [{ queryType: 'promql', expr: 'up' }, true],
  [{ queryType: 'promql', expr: '  ' }, false],
  [{ expr: '' }, false],
])('%j is sent: %s', (query, expected) => {
  expect(source().filterQuery({ refId: 'A', ...query } as HubbleQuery)).toBe(expected);
});

test.each([
  [{}, '15s'],
  [{ timeInterval: '' }, '15s'],
  [{ timeInterval: '30s' }, '30s'],
])('the minimum step of %j is %s', (jsonData, expected) => {
  expect(source(jsonData).interval).toBe(expected);
});

test('every sent query has a type', async () => {
  const asked = jest.spyOn(DataSourceWithBackend.prototype, 'query').mockReturnValue(of({ data: [] }));
  const targets = [{ refId: 'A', expr: 'up' }, { refId: 'B' }] as HubbleQuery[];
  await firstValueFrom(source().query({ targets } as DataQueryRequest<HubbleQuery>));
  expect(asked.mock.calls[0]?.[0].targets).toMatchObject([{ queryType: 'promql' }, { queryType: 'flows' }]);
});

test.each<[string, Array<Partial<HubbleQuery>>, object[]]>([
  ['explore', [{ queryType: 'flowMetrics', format: 'top' }], [{ refId: 'A', format: 'long' }]],
  ['panel-editor', [{ queryType: 'flowMetrics', format: 'top' }], [{ refId: 'A', format: 'top' }]],
  ['unified-alerting', [{ queryType: 'flowMetrics', format: 'top' }], [{ refId: 'A', format: 'top' }]],
  ['explore', [{ queryType: 'flowMetrics' }], [{ refId: 'A', queryType: 'flowMetrics' }]],
  ['explore', [{ expr: 'up', instant: true, format: 'time_series' }], [{ refId: 'A', instant: true, format: 'table' }]],
  ['dashboard', [{ expr: 'up', instant: true, format: 'time_series' }], [{ refId: 'A', format: 'time_series' }]],
  ['explore', [{ expr: 'up', range: true }], [{ refId: 'A', range: true }]],
  [
    'explore',
    [{ expr: 'up', range: true, instant: true, exemplar: true }],
    [
      { refId: 'A', range: true, instant: false, exemplar: true },
      { refId: 'A#instant', range: false, instant: true, exemplar: false, format: 'table' },
    ],
  ],
])('in %s, %j is sent in a format that can be shown there', async (app, targets, expected) => {
  const asked = jest.spyOn(DataSourceWithBackend.prototype, 'query').mockReturnValue(
    of({
      data: [
        toDataFrame({
          refId: 'A#instant',
          fields: [{ name: 'job' }, { name: 'Value #A#instant' }, { name: 'Value #B#instant' }],
        }),
        toDataFrame({ refId: 'A', fields: [] }),
      ],
      errors: [{ refId: 'A#instant', message: 'no such metric' }],
    })
  );
  const request = { app, targets: targets.map((target) => ({ refId: 'A', ...target })) };
  const answer = await firstValueFrom(source().query(request as unknown as DataQueryRequest<HubbleQuery>));
  expect(asked.mock.lastCall?.[0].targets).toMatchObject(expected);
  expect(asked.mock.lastCall?.[0].targets).toHaveLength(expected.length);
  if (app === 'explore') {
    // A column that the backend names after the query gets the query's name back.
    expect(answer.data).toMatchObject([
      { refId: 'A', fields: [{ name: 'job' }, { name: 'Value #A' }, { name: 'Value #B#instant' }] },
      { refId: 'A' },
    ]);
    expect(answer.errors).toEqual([{ refId: 'A', message: 'no such metric' }]);
  }
});

test('a panel’s query opens in Explore without conditions for All', () => {
  const query = { refId: 'A', queryType: 'flows', filter: { toNamespace: ['.*'], toPod: [], verdict: ['DROPPED'] } };
  expect(source().interpolateVariablesInQueries([query as HubbleQuery], {})[0]).toMatchObject({
    filter: { verdict: ['DROPPED'] },
  });
  expect(source().interpolateVariablesInQueries([query as HubbleQuery], {})[0]).not.toHaveProperty(
    'filter.toNamespace'
  );
});

test('a panel of Prometheus keeps its queries when it switches to this data source', async () => {
  const queries = [{ refId: 'A', expr: 'up', legendFormat: '{{pod}}' }];
  const origin = { type: 'prometheus' } as DataSourceApi;
  expect(await source().importQueries(queries, origin)).toEqual([{ ...queries[0], queryType: 'promql' }]);
});

test.each([
  ['as a dashboard keeps it', { refId: 'v', query: 'pods($ns)' }],
  ['as a dashboard written by hand has it', 'pods($ns)' as unknown as VariableQuery],
])('the backend answers a variable, %s', async (_, target) => {
  const datasource = source();
  const post = jest.spyOn(datasource, 'postResource').mockResolvedValue([{ text: 'a', value: 'a' }]);
  const variables = datasource.variables as HubbleVariables;
  const answer = variables.query({ targets: [target], range } as unknown as DataQueryRequest<VariableQuery>);
  expect(await firstValueFrom(answer)).toEqual({ data: [{ text: 'a', value: 'a' }] });
  expect(post).toHaveBeenCalledWith('variables', { query: 'pods(pets)', from: 1_000, to: 61_000 });
});

test('an empty variable query is not sent', async () => {
  const datasource = source();
  const post = jest.spyOn(datasource, 'postResource');
  expect(await datasource.metricFindQuery(' ')).toEqual([]);
  expect(post).not.toHaveBeenCalled();
});

test.each([
  ['fromPod', { namespace: ['$ns'] }, 'pets'],
  ['toPod', { namespace: ['a'], toNamespace: ['b'] }, 'b'],
  ['pod', { namespace: ['a', 'b'] }, undefined],
  ['pod', undefined, undefined],
] as const)('suggestions for %s with the filter %j come from the namespace %s', async (field, filter, namespace) => {
  const datasource = source();
  const get = jest.spyOn(datasource, 'getResource').mockResolvedValue({ values: [], notices: [] });
  await datasource.suggestions({ field, prefix: 'st', filter: filter as never });
  const [path, parameters] = get.mock.calls[0] ?? [];
  expect(path).toBe('suggestions');
  expect(parameters).toEqual({ field, prefix: 'st', limit: 200, ...(namespace ? { namespace } : {}) });
});

describe('ad hoc filters', () => {
  const filters = [{ key: 'namespace', operator: '=', value: '$ns', condition: '' }];

  test('join the query’s own, with variables replaced', () => {
    const own = [{ key: 'toPort', operator: '!=', value: '53' }];
    const query: HubbleQuery = { refId: 'A', queryType: 'flows', adhocFilters: own };
    expect(source().applyTemplateVariables(query, {}, filters)).toMatchObject({
      adhocFilters: [...own, { key: 'namespace', operator: '=', value: 'pets' }],
    });
    expect(source().interpolateVariablesInQueries([query], {}, filters)[0]).toMatchObject({
      adhocFilters: [...own, { key: 'namespace', operator: '=', value: 'pets' }],
    });
  });

  test('keep several values', () => {
    const many = [{ key: 'toPort', operator: '=|', value: '53', values: ['53', '80'] }];
    expect(source().applyTemplateVariables({ refId: 'A', queryType: 'serviceMap' }, {}, many)).toMatchObject({
      adhocFilters: [{ key: 'toPort', operator: '=|', value: '53', values: ['53', '80'] }],
    });
  });

  test('leave a query unchanged if the list is empty', () => {
    expect(source().applyTemplateVariables({ refId: 'A', queryType: 'flows' }, {}, [])).not.toHaveProperty(
      'adhocFilters'
    );
  });

  test('become matchers of PromQL', () => {
    const query: HubbleQuery = { refId: 'A', expr: 'rate(up{x="$ns"}[$__rate_interval])' };
    const expr = 'rate(up{x="pets",namespace="pets"}[$__rate_interval])';
    expect(source().applyTemplateVariables(query, {}, filters)).toEqual({ ...query, expr });
    expect(source().interpolateVariablesInQueries([query], {}, filters)[0]).toMatchObject({ expr });
  });

  /** Answers like the backend's; an unknown resource has none. */
  function backend(answers: Record<string, unknown>) {
    const datasource = source();
    const get = jest
      .spyOn(datasource, 'getResource')
      .mockImplementation((path) =>
        path in answers ? Promise.resolve(answers[path]) : Promise.reject(new Error(`no ${path}`))
      );
    return { datasource, get };
  }
  const flowKeys = [{ text: 'fromPod' }, { text: 'namespace' }, { text: 'newerKey' }];
  const labels = { data: ['namespace', 'reason'] };
  const flows: HubbleQuery = { refId: 'A', queryType: 'flows' };
  const promql: HubbleQuery = { refId: 'B', expr: 'up' };
  const chosen = [{ key: 'reason', operator: '=', value: '$ns' }];

  test.each<[string, HubbleQuery[] | undefined, Record<string, unknown>, string[]]>([
    ['fields of flows', [flows], { 'tag-keys': flowKeys }, ['From pod', 'Namespace', 'newerKey']],
    ['labels that are not filtered by', [promql], { 'api/v1/labels': labels }, ['namespace']],
    [
      'both',
      [flows, promql],
      { 'tag-keys': flowKeys, 'api/v1/labels': labels },
      ['Flows: From pod', 'Flows: Namespace', 'Flows: newerKey', 'Prometheus labels: reason'],
    ],
    [
      'both, where the queries are unknown',
      undefined,
      { 'tag-keys': flowKeys, 'api/v1/labels': { data: ['a'] } },
      ['Flows: From pod', 'Flows: Namespace', 'Flows: newerKey', 'Prometheus labels: a'],
    ],
    ['fields of flows alone, without a Prometheus', [], { 'tag-keys': [flowKeys[0]] }, ['Flows: From pod']],
    ['labels alone, without a relay', [], { 'api/v1/labels': { data: ['a'] } }, ['Prometheus labels: a']],
  ])('have these keys: %s', async (_, queries, answers, expected) => {
    const keys = await backend(answers).datasource.getTagKeys({ filters: chosen, queries });
    expect(keys.map(({ text, group }) => (group ? `${group}: ${text}` : text))).toEqual(expected);
  });

  test('fail with a reason where neither source has keys', async () => {
    await expect(backend({}).datasource.getTagKeys()).rejects.toThrow('no tag-keys');
    await expect(backend({}).datasource.getTagKeys({ filters: [], queries: [promql] })).rejects.toThrow(
      'no api/v1/labels'
    );
  });

  test('have values of flows in the chosen namespace', async () => {
    const { datasource, get } = backend({ suggestions: { values: ['pets/a'], notices: [] } });
    const filters = [{ key: 'fromNamespace', operator: '=', value: 'pets' }];
    expect(await datasource.getTagValues({ key: 'fromPod', filters, queries: [flows] })).toEqual([{ text: 'pets/a' }]);
    expect(get).toHaveBeenLastCalledWith(
      'suggestions',
      expect.objectContaining({ field: 'fromPod', namespace: 'pets' }),
      expect.anything()
    );
    expect(await datasource.getTagValues({ key: 'newerKey', filters: [], queries: [flows] })).toEqual([]);
  });

  test('have values of labels, narrowed by the other filters and the time range', async () => {
    const path = 'api/v1/label/U__app_2e_io/values';
    const { datasource, get } = backend({ [path]: { data: ['x'] }, 'api/v1/labels': { data: [] } });
    const asked = { filters: chosen, queries: [promql], timeRange: range };
    expect(await datasource.getTagValues({ ...asked, key: 'app.io' })).toEqual([{ text: 'x', value: 'x' }]);
    expect(get).toHaveBeenLastCalledWith(path, { start: 1, end: 61, 'match[]': '{reason="pets"}' });
    await datasource.getTagKeys(asked);
    expect(get).toHaveBeenLastCalledWith('api/v1/labels', { start: 1, end: 61, 'match[]': '{reason="pets"}' });
  });

  test('have values of both where both are queried', async () => {
    const { datasource } = backend({
      suggestions: { values: ['pets', 'default'], notices: [] },
      'api/v1/label/namespace/values': { data: ['kube-system', 'pets'] },
      'api/v1/label/reason/values': { data: ['POLICY_DENIED'] },
    });
    const asked = { filters: [], queries: [flows, promql] };
    const texts = async (key: string) => (await datasource.getTagValues({ ...asked, key })).map(({ text }) => text);
    expect(await texts('namespace')).toEqual(['pets', 'default', 'kube-system']);
    expect(await texts('reason')).toEqual(['POLICY_DENIED']);
  });
});

test('a line has its variables replaced, and JSON filters too', () => {
  expect(
    source().applyTemplateVariables({ refId: 'A', queryType: 'flows', text: 'hubble observe -n $ns' }, {})
  ).toMatchObject({
    text: 'hubble observe -n pets',
  });
  const denylist = ['{"source_pod":["$ns/"]}'];
  expect(source().applyTemplateVariables({ refId: 'A', queryType: 'flows', denylist }, {})).toMatchObject({
    denylist: ['{"source_pod":["pets/"]}'],
  });
});

test('the dashboard’s group-by keys apply to flow metrics', async () => {
  const asked = jest.spyOn(DataSourceWithBackend.prototype, 'query').mockReturnValue(of({ data: [] }));
  const targets: HubbleQuery[] = [{ refId: 'A', queryType: 'flowMetrics', groupBy: ['verdict'] }];
  await firstValueFrom(
    source().query({ targets, groupByKeys: ['toWorkload', 'verdict', 'nonsense'] } as DataQueryRequest<HubbleQuery>)
  );
  expect(asked.mock.lastCall?.[0].targets).toMatchObject([{ groupBy: ['verdict', 'toWorkload'] }]);
});

test('the command has the query’s variables replaced', async () => {
  const datasource = source();
  const post = jest
    .spyOn(datasource, 'postResource')
    .mockResolvedValueOnce({
      form: {},
      text: 'hubble observe',
      command: 'hubble observe -n pets',
      errors: [],
      warnings: [],
    })
    .mockResolvedValueOnce({ errors: [{ text: 'unknown flag', start: 0, end: 1 }], warnings: [] });
  const query = { refId: 'A', queryType: 'flows', filter: { namespace: ['$ns'] } } as const;
  expect(await datasource.command({ ...query, filter: { namespace: ['$ns'] } })).toBe('hubble observe -n pets');
  expect(post).toHaveBeenCalledWith(
    'convert',
    expect.objectContaining({ filter: { namespace: ['pets'] } }),
    expect.anything()
  );
  await expect(datasource.command({ refId: 'A', queryType: 'flows', text: '--nope' })).rejects.toThrow('unknown flag');
});

test('a label of a log line belongs to source, destination or flow', () => {
  const frame = toDataFrame({ fields: [{ name: 'labelTypes', values: [{ fromPod: 'source', verdict: 'flow' }] }] });
  expect(source().getLabelDisplayTypeFromFrame('fromPod', frame, 0)).toBe('Source');
  expect(source().getLabelDisplayTypeFromFrame('verdict', frame, 0)).toBe('Flow');
  expect(source().getLabelDisplayTypeFromFrame('toPod', frame, 0)).toBeNull();
  expect(source().getLabelDisplayTypeFromFrame('toPod', undefined, null)).toBeNull();
});

describe('a live query', () => {
  const status = (state: LiveChannelConnectionState): LiveChannelEvent => ({
    type: LiveChannelEventType.Status,
    id: '',
    timestamp: 0,
    state,
  });
  const frame = toDataFrame({ refId: 'A', fields: [] });

  function follow(states: LiveChannelEvent[][], refusal: string | null) {
    const getDataStream = jest.fn((_: LiveDataStreamOptions) => concat(of({ data: [frame] }), NEVER));
    const getStream = jest.fn(() => concat(of(...(states.shift() ?? [])), NEVER));
    setGrafanaLiveSrv({ getDataStream, getStream } as unknown as GrafanaLiveSrv);
    const datasource = source();
    const asked = jest.spyOn(datasource, 'getResource').mockResolvedValue({ refusal });
    const targets = [{ refId: 'B', queryType: 'flows', follow: true, filter: { namespace: ['$ns'] } }];
    const request = { app: 'dashboard', requestId: 'Q1', targets, scopedVars: {} };
    return { responses: datasource.query(request as unknown as DataQueryRequest<HubbleQuery>), getDataStream, asked };
  }

  test('has the frames of its channel under its own name', async () => {
    const { responses, getDataStream, asked } = follow([[status(LiveChannelConnectionState.Connected)]], null);
    const response = await firstValueFrom(responses);
    expect(response).toMatchObject({ key: 'Q1.B', state: LoadingState.Streaming, data: [{ refId: 'B' }] });
    expect(response.data[0]).toBe(frame);
    expect(getDataStream.mock.calls[0]?.[0].addr.data).toEqual({
      queryType: 'flows',
      format: 'table',
      filter: { namespace: ['pets'] },
    });
    expect(asked).not.toHaveBeenCalled();
  });

  test.each([
    ['50 live streams run', '50 live streams run'],
    [null, text.live.refused],
  ])('that is refused says why (%s), and is asked again', async (refusal, message) => {
    jest.spyOn(Math, 'random').mockReturnValue(-0.999);
    const refused = [status(LiveChannelConnectionState.Connecting), status(LiveChannelConnectionState.Disconnected)];
    const { responses, getDataStream, asked } = follow([refused], refusal);
    const [first, second] = await lastValueFrom(responses.pipe(take(2), toArray()));
    expect(first).toMatchObject({ key: 'Q1.B', state: LoadingState.Error, data: [], error: { message } });
    expect(second).toMatchObject({ state: LoadingState.Streaming, data: [frame] });
    expect(asked.mock.calls).toEqual([['live']]);
    expect(getDataStream).toHaveBeenCalledTimes(1);
  });
});
