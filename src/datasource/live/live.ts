import type { DataFrame, DataQueryRequest, DataQueryResponse } from '@grafana/data';

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

/** The frames under a query's `refId`: a channel that panels share knows none. */
export function withRefId(response: DataQueryResponse, refId: string): DataQueryResponse {
  for (const frame of response.data as DataFrame[]) {
    // In place: Grafana adds rows to the very frame that it hands out.
    frame.refId = refId;
  }
  return response;
}
