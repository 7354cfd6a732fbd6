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

/** Number of answers that are kept for the panels of a page. */
const keptAnswers = 4;

/** Answers by revision and data sources, the latest used last. */
const shared = new Map<string, Promise<PoliciesAnswer>>();

/**
 * The policies of data sources, asked for once for all panels of a page while the revision stays. Without one, nothing
 * says whether they changed.
 */
export function sharedPolicies(uids: readonly string[], revision: string | undefined): Promise<PoliciesAnswer> {
  if (!revision) {
    return fetchPolicies(uids);
  }
  const key = JSON.stringify([revision, ...uids]);
  const known = shared.get(key);
  const answer = known ?? fetchPolicies(uids);
  shared.delete(key);
  shared.set(key, answer);
  for (const oldest of [...shared.keys()].slice(0, -keptAnswers)) {
    shared.delete(oldest);
  }
  if (!known) {
    // The next panel may have more luck.
    answer.catch(() => shared.delete(key));
  }
  return answer;
}

/** Forgets the answers that panels share. */
export function forgetPolicies(): void {
  shared.clear();
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
