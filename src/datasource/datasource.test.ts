import { dateTime, type DataQueryRequest, type DataSourceInstanceSettings } from '@grafana/data';
import { DataSourceWithBackend } from '@grafana/runtime';
import { firstValueFrom, of } from 'rxjs';

import { HubbleDataSource } from './datasource';
import type { Template } from './query/interpolate';
import type { HubbleQuery, PromqlQuery } from './query/model';
import type { HubbleSettings } from './types';
import type { HubbleVariables, VariableQuery } from './variables/HubbleVariables';

const template: Template = {
  getVariables: () => [],
  replace: (target = '') => target.replaceAll('$ns', 'pets'),
};

function source(): HubbleDataSource {
  const settings = { uid: 'hubble', type: 'k8snet-hubble-datasource', jsonData: {} };
  return new HubbleDataSource(settings as unknown as DataSourceInstanceSettings<HubbleSettings>, template);
}

const range = { from: dateTime(1_000), to: dateTime(61_000), raw: { from: 'now-1m', to: 'now' } };

test.each<[Partial<PromqlQuery> | Partial<HubbleQuery>, boolean]>([
  [{ queryType: 'flows' }, true],
  [{ queryType: 'flows', hide: true }, false],
  [{ queryType: 'promql', expr: 'up' }, true],
  [{ queryType: 'promql', expr: '  ' }, false],
  [{ expr: '' }, false],
])('%j is asked: %s', (query, expected) => {
  expect(source().filterQuery({ refId: 'A', ...query } as HubbleQuery)).toBe(expected);
});

test('every query names its type when it leaves', async () => {
  const asked = jest.spyOn(DataSourceWithBackend.prototype, 'query').mockReturnValue(of({ data: [] }));
  const targets = [{ refId: 'A', expr: 'up' }, { refId: 'B' }] as HubbleQuery[];
  await firstValueFrom(source().query({ targets } as DataQueryRequest<HubbleQuery>));
  expect(asked.mock.calls[0]?.[0].targets).toMatchObject([{ queryType: 'promql' }, { queryType: 'flows' }]);
});

test.each([
  ['as a dashboard keeps it', { refId: 'v', query: 'pods($ns)' }],
  ['as a dashboard written by hand has it', 'pods($ns)' as unknown as VariableQuery],
])('a variable is asked of the backend, %s', async (_, target) => {
  const datasource = source();
  const post = jest.spyOn(datasource, 'postResource').mockResolvedValue([{ text: 'a', value: 'a' }]);
  const variables = datasource.variables as HubbleVariables;
  const answer = variables.query({ targets: [target], range } as unknown as DataQueryRequest<VariableQuery>);
  expect(await firstValueFrom(answer)).toEqual({ data: [{ text: 'a', value: 'a' }] });
  expect(post).toHaveBeenCalledWith('variables', { query: 'pods(pets)', from: 1_000, to: 61_000 });
});

test('an empty variable is not asked for', async () => {
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
] as const)('suggestions for %s among %j are of the namespace %s', async (field, filter, namespace) => {
  const datasource = source();
  const get = jest.spyOn(datasource, 'getResource').mockResolvedValue({ values: [], notices: [] });
  await datasource.suggestions({ field, prefix: 'st', filter: filter as never });
  const [path, parameters] = get.mock.calls[0] ?? [];
  expect(path).toBe('suggestions');
  expect(parameters).toEqual({ field, prefix: 'st', limit: 200, ...(namespace ? { namespace } : {}) });
});
