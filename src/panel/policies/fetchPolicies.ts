import type { DataFrame, DataQueryRequest, PanelData } from '@grafana/data';
import { getBackendSrv, getDataSourceSrv, toDataQueryResponse, type BackendDataSourceResponse } from '@grafana/runtime';
import { lastValueFrom } from 'rxjs';

import { datasourceId } from '../../pluginIds';
import { readFrames } from '../frames';
import { readPolicies, type PoliciesAnswer } from './policyFrames';

/**
 * The uids of the data sources that answered with flows. Explore passes no request: there, the uid is
 * in the frames.
 */
export function sourcesOf(request: DataQueryRequest | undefined, series: readonly DataFrame[]): string[] {
  if (!request) {
    const named = series.map((frame): unknown => frame.meta?.custom?.datasourceUid);
    return [...new Set(named.filter((uid) => typeof uid === 'string'))];
  }
  const uids = request.targets.flatMap(({ datasource, hide }) => {
    if (hide || !datasource) {
      return [];
    }
    // A reference may still name a variable.
    const settings = getDataSourceSrv().getInstanceSettings(datasource, request.scopedVars);
    return settings?.type === datasourceId ? [settings.uid] : [];
  });
  return [...new Set(uids)];
}

/** Whether there are policies for these flows: among the frames, or with the data sources by their revision. */
export function expectsPolicies({ series, request }: Pick<PanelData, 'series' | 'request'>): boolean {
  const given = readPolicies(series);
  if (given) {
    return given.files.length > 0;
  }
  // A snapshot has the revision, but no data source to ask.
  return Boolean(readFrames(series).policiesRevision) && sourcesOf(request, series).length > 0;
}

/** Asks data sources for their policies. */
export async function fetchPolicies(uids: readonly string[]): Promise<PoliciesAnswer> {
  const now = Date.now();
  const frames = await Promise.all(
    uids.map(async (uid): Promise<DataFrame[]> => {
      const refId = 'policies';
      const queries = [{ refId, queryType: 'policies', datasource: { type: datasourceId, uid } }];
      const response = await lastValueFrom(
        getBackendSrv().fetch<BackendDataSourceResponse>({
          url: 'api/ds/query',
          method: 'POST',
          data: { queries, from: String(now - 1_000), to: String(now) },
          showErrorAlert: false,
        })
      );
      const { data, error } = toDataQueryResponse(response, [{ refId }]);
      if (error) {
        throw new Error(error.message ?? error.data?.message ?? error.statusText);
      }
      return data;
    })
  );
  return readPolicies(frames.flat()) ?? { files: [], notices: [], namespace: '' };
}
