import { LiveChannelScope, type DataQueryRequest, type LiveChannelAddress } from '@grafana/data';

import { isFlows, modeOf, type FlowsQuery, type HubbleQuery } from '../query/model';

const dashboardApps = new Set<string>(['dashboard', 'panel-viewer', 'panel-editor', 'scenes']);

/** Whether a query streams new flows. */
export function follows(query: FlowsQuery): boolean {
  return modeOf(query) === 'text' ? /(^|\s)(-f|--follow)(\s|$)/.test(query.text ?? '') : query.follow === true;
}

/** The streaming queries of a request: in Explore's live mode all flows queries, on a dashboard those with `follow`. */
export function liveQueries(request: DataQueryRequest<HubbleQuery>): FlowsQuery[] {
  const { liveStreaming, app, targets } = request;
  const flows = targets.filter(isFlows).filter(({ hide }) => !hide);
  if (liveStreaming) {
    // Explore's live view shows only log lines.
    return flows.map((query) => ({ ...query, format: 'logs' }));
  }
  return dashboardApps.has(app ?? '') ? flows.filter((query) => follows(query) && query.format !== 'packed') : [];
}

/** The live channel of a query: one for each query and user. */
export function liveAddress(uid: string, userId: number, query: FlowsQuery): LiveChannelAddress {
  return {
    scope: LiveChannelScope.DataSource,
    stream: uid,
    // The name of `stream` before Grafana 12.4.
    ...{ namespace: uid },
    path: `flows/${userId}-${hash(JSON.stringify(query))}`,
    data: query,
  };
}

/** A 64-bit FNV-1a hash, to tell channels apart. It protects nothing. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const char of text) {
    value = BigInt.asUintN(64, (value ^ BigInt(char.codePointAt(0) ?? 0)) * 0x100000001b3n);
  }
  return value.toString(16);
}
