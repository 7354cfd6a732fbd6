import { createDataFrame, type DataFrame, type DataQueryRequest } from '@grafana/data';
import { of, throwError } from 'rxjs';

import { datasourceId } from '../../pluginIds';
import { expectsPolicies, forgetPolicies, sharedPolicies, sourcesOf } from './fetchPolicies';

const mockFetch = jest.fn();

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual<object>('@grafana/runtime'),
  getBackendSrv: () => ({ fetch: mockFetch }),
  getDataSourceSrv: () => ({
    getInstanceSettings: ({ uid }: { uid: string }) => ({ uid: uid.replace('${source}', 'hubble'), type: types[uid] }),
  }),
}));

const types: Record<string, string> = { '${source}': datasourceId, hubble: datasourceId, other: 'prometheus' };

const packed = (datasourceUid: unknown) =>
  createDataFrame({ meta: { custom: { packed: 'hubble-flows/1', datasourceUid } }, fields: [] });

test.each<[string, string[] | undefined, unknown[], string[]]>([
  ['a request names the sources, a variable too', ['${source}', 'hubble', 'other'], ['frames'], ['hubble']],
  ['a snapshot has a request of another source', ['other'], ['hubble'], []],
  ['without a request, as in Explore, the frames do', undefined, ['hubble', 'hubble', undefined, 7], ['hubble']],
  ['neither does', undefined, [], []],
])('%s', (_, targets, frames, expected) => {
  const request = targets && {
    targets: targets.map((uid) => ({ refId: uid, datasource: { uid, type: types[uid] } })),
  };
  expect(sourcesOf(request as DataQueryRequest | undefined, frames.map(packed))).toEqual(expected);
});

const flowsOf = (policiesRevision: string | undefined) =>
  createDataFrame({
    meta: { custom: { packed: 'hubble-flows/1', datasourceUid: 'hubble', policiesRevision } },
    fields: [{ name: 'packed', values: ['AAAA'] }],
  });

const policiesOf = (...files: string[]) =>
  createDataFrame({
    meta: { custom: { policies: 'k8snet-policies/1' } },
    fields: [
      { name: 'file', values: files },
      { name: 'text', values: files },
    ],
  });

test.each<[string, DataFrame[], string | undefined, boolean]>([
  ['a revision means that there are some', [flowsOf('1f')], undefined, true],
  ['one of several queries has a revision', [flowsOf(''), flowsOf('1f')], 'hubble', true],
  ['an empty revision: the folder holds none', [flowsOf('')], undefined, false],
  ['no revision: none are configured', [flowsOf(undefined)], undefined, false],
  ['the answer contains them', [flowsOf(undefined), policiesOf('a.yaml')], 'other', true],
  ['the answer contains an empty list', [flowsOf('1f'), policiesOf()], undefined, false],
  ['a snapshot has no data source to ask', [flowsOf('1f')], 'other', false],
])('policies are expected or not: %s', (_, series, target, expected) => {
  const request = target && {
    targets: [{ refId: 'A', datasource: { uid: target, type: types[target] } }],
  };
  expect(expectsPolicies({ series, request: request as DataQueryRequest | undefined })).toBe(expected);
});

test('panels of a page share the policies of a revision', async () => {
  forgetPolicies();
  mockFetch.mockReset();
  mockFetch.mockImplementation(() => of({ data: { results: { policies: { frames: [] } } } }));
  const one = sharedPolicies(['hubble'], '1f');
  expect(sharedPolicies(['hubble'], '1f')).toBe(one);
  await one;
  expect(mockFetch).toHaveBeenCalledTimes(1);
  await sharedPolicies(['hubble'], '2f');
  await sharedPolicies(['other'], '2f');
  expect(mockFetch).toHaveBeenCalledTimes(3);
  // Without a revision, nothing says whether they changed.
  await sharedPolicies(['hubble'], undefined);
  await sharedPolicies(['hubble'], undefined);
  expect(mockFetch).toHaveBeenCalledTimes(5);
});

test('policies that failed are asked for again', async () => {
  forgetPolicies();
  mockFetch.mockReset();
  mockFetch.mockImplementationOnce(() => throwError(() => new Error('away')));
  await expect(sharedPolicies(['hubble'], '1f')).rejects.toThrow('away');
  mockFetch.mockImplementation(() => of({ data: { results: { policies: { frames: [] } } } }));
  await expect(sharedPolicies(['hubble'], '1f')).resolves.toMatchObject({ files: [] });
});
