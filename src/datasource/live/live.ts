import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import {
  LiveChannelScope,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type LiveChannelAddress,
} from '@grafana/data';
import canonicalize from 'canonicalize';

import { isFlows, modeOf, type FlowsQuery, type HubbleQuery } from '../query/model';

const dashboardApps = new Set<string>(['dashboard', 'panel-viewer', 'panel-editor', 'scenes']);

/** Fields that change where and how flows are shown, and not which flows come or how they are sent. */
const ofTheView = ['refId', 'key', 'datasource', 'hide', 'editorMode', 'follow', 'limit'] as const;

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

/** The live channel of a query, which all its viewers share. */
export function liveAddress(uid: string, query: FlowsQuery): LiveChannelAddress {
  const followed: Partial<FlowsQuery> = { ...query, queryType: 'flows', format: query.format ?? 'table' };
  for (const field of ofTheView) {
    delete followed[field];
  }
  return {
    scope: LiveChannelScope.DataSource,
    stream: uid,
    // The name of `stream` before Grafana 12.4.
    ...{ namespace: uid },
    path: livePath(followed),
    data: followed,
  };
}

/** The path of a query's channel, of which the backend makes sure: the hash of the query's canonical JSON (RFC 8785). */
export function livePath(query: object): string {
  // The browser's own hashes exist in secure contexts only, and Grafana is often served over plain HTTP.
  return `flows/${bytesToHex(sha256(utf8ToBytes(canonicalize(query) ?? '')))}`;
}

/** The frames under a query's `refId`: a channel that panels share knows none. */
export function withRefId(response: DataQueryResponse, refId: string): DataQueryResponse {
  for (const frame of response.data as DataFrame[]) {
    // In place: Grafana adds rows to the very frame that it hands out.
    frame.refId = refId;
  }
  return response;
}

/** Whether the backend refused the subscription. Grafana passes on the name of the status alone. */
export function isRefused({ error }: DataQueryResponse): boolean {
  return /\bForbidden$/.test(error?.message ?? '');
}
