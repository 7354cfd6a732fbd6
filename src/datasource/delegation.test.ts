import {
  dateTime,
  LoadingState,
  toDataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
} from '@grafana/data';
import { setDataSourceSrv, type DataSourceSrv } from '@grafana/runtime';
import { firstValueFrom, lastValueFrom, of, throwError, toArray, type Observable } from 'rxjs';

import { Delegation, isFlowVariable } from './delegation';
import type { HubbleQuery } from './query/model';

const range = { from: dateTime(1_000), to: dateTime(61_000), raw: { from: 'now-1m', to: 'now' } };

function theirs(answer: () => Observable<DataQueryResponse>, type = 'prometheus') {
  const source = {
    uid: 'prom',
    name: 'Prometheus',
    type,
    getRef: () => ({ uid: 'prom', type }),
    query: jest.fn(answer),
    getTagKeys: jest.fn(() => Promise.resolve([{ text: 'job' }])),
    getTagValues: jest.fn(() => Promise.resolve({ data: [{ text: 'hubble' }] })),
    metricFindQuery: jest.fn(() => Promise.resolve([{ text: 'up' }])),
  };
  setDataSourceSrv({
    get: ({ uid }: { uid: string }) =>
      uid === 'prom' ? Promise.resolve(source as unknown as DataSourceApi) : Promise.reject(new Error('not found')),
  } as unknown as DataSourceSrv);
  return source;
}

function request(targets: unknown[], more: Partial<DataQueryRequest<HubbleQuery>> = {}): DataQueryRequest<HubbleQuery> {
  return { targets, range, scopedVars: { a: { value: 1 } }, ...more } as unknown as DataQueryRequest<HubbleQuery>;
}

const frame = (refId: string) => toDataFrame({ refId, fields: [] });
const promql = { refId: 'A', queryType: 'promql', expr: 'rate(up[$__rate_interval])', legendFormat: '{{pod}}' };
const flows = { refId: 'B', queryType: 'flows' };

const ours = jest.fn((request: DataQueryRequest<HubbleQuery>) =>
  of<DataQueryResponse>({ data: request.targets.map(({ refId }) => frame(refId)), state: LoadingState.Done })
);
beforeEach(() => ours.mockClear());

test('PromQL goes to the other data source unchanged, other queries do not', async () => {
  const source = theirs(() => of({ data: [frame('A')], state: LoadingState.Done }));
  const filters = [{ key: 'pod', operator: '=', value: 'x' }];
  const answer = await lastValueFrom(new Delegation('prom').query(request([promql, flows], { filters }), ours));
  expect(answer.data.map(({ refId }: { refId: string }) => refId)).toEqual(['B', 'A']);
  expect([answer.state, answer.errors]).toEqual([LoadingState.Done, undefined]);
  expect(ours.mock.calls[0]?.[0].targets).toEqual([flows]);
  const [asked] = source.query.mock.calls[0] as unknown as [DataQueryRequest];
  expect(asked).toMatchObject({ range, filters, scopedVars: { a: { value: 1 } } });
  expect(asked.targets).toEqual([
    { refId: 'A', expr: promql.expr, legendFormat: '{{pod}}', datasource: { uid: 'prom', type: 'prometheus' } },
  ]);
});

test('without shown PromQL the other data source is not queried', async () => {
  const source = theirs(() => of({ data: [] }));
  await lastValueFrom(new Delegation('prom').query(request([flows]), ours));
  await lastValueFrom(
    new Delegation('prom').query(
      request([
        { ...promql, hide: true },
        { ...promql, expr: ' ' },
      ]),
      ours
    )
  );
  expect(source.query).not.toHaveBeenCalled();
});

test.each([
  ['', 'prometheus', 'no Prometheus data source is selected: select one in the settings of this data source'],
  [
    'gone',
    'prometheus',
    'the Prometheus data source `gone` does not exist, or you have no permission to query it: select another one in the settings of this data source',
  ],
  ['prom', 'loki', 'the data source `Prometheus` of type `loki` does not answer PromQL'],
])('a source `%s` of type %s that does not answer is an error of its queries alone', async (uid, type, message) => {
  theirs(() => of({ data: [] }), type);
  const answer = await firstValueFrom(new Delegation(uid).query(request([promql, flows]), ours));
  expect(answer.errors).toEqual([{ refId: 'A', message }]);
  expect(answer.state).toBe(LoadingState.Error);
  expect(answer.data).toHaveLength(1);
});

test('an exception of the other data source is an error of each PromQL query', async () => {
  theirs(() => throwError(() => new Error('no access')));
  const answer = await firstValueFrom(new Delegation('prom').query(request([promql, { ...promql, refId: 'C' }]), ours));
  expect(answer.errors).toEqual([
    { refId: 'A', message: 'no access' },
    { refId: 'C', message: 'no access' },
  ]);
});

test('streams have keys of their own beside PromQL', async () => {
  theirs(() => of({ data: [frame('A')], key: 'x' }));
  const parts = await lastValueFrom(
    new Delegation('prom').query(request([promql, flows], { liveStreaming: true }), ours).pipe(toArray())
  );
  expect(parts.map(({ key }) => key).sort()).toEqual(['flows-', 'promql-x']);
});

test('variables and names of metrics come from the other data source', async () => {
  const source = theirs(() => of({ data: [] }));
  const delegation = new Delegation('prom');
  expect(await delegation.variable('label_names()', range, {})).toEqual([{ text: 'up' }]);
  expect(source.metricFindQuery).toHaveBeenCalledWith('label_names()', { range, scopedVars: {} });
  expect(await delegation.metricNames()).toEqual(['up']);
  expect(await delegation.name()).toBe('Prometheus');
  const filters = [{ key: 'pod', operator: '=', value: 'x' }];
  expect(await delegation.tagKeys({ filters })).toEqual([{ text: 'job' }]);
  expect(source.getTagKeys).toHaveBeenCalledWith({ filters });
  expect(await delegation.tagValues({ key: 'job', filters })).toEqual([{ text: 'hubble' }]);
  expect(source.getTagValues).toHaveBeenCalledWith({ key: 'job', filters });
  expect(isFlowVariable(' pods($namespace)')).toBe(true);
  expect(isFlowVariable('label_values(pods, a)')).toBe(false);
});
