import { createDataFrame, type DataQueryRequest } from '@grafana/data';

import { datasourceId } from '../../pluginIds';
import { sourcesOf } from './fetchPolicies';

jest.mock('@grafana/runtime', () => ({
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
  ['nobody does', undefined, [], []],
])('%s', (_, targets, frames, expected) => {
  const request = targets && {
    targets: targets.map((uid) => ({ refId: uid, datasource: { uid, type: types[uid] } })),
  };
  expect(sourcesOf(request as DataQueryRequest | undefined, frames.map(packed))).toEqual(expected);
});
