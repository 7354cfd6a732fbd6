import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { LiveChannelScope, type LiveChannelAddress } from '@grafana/data';
import canonicalize from 'canonicalize';

import type { FlowsQuery } from '../query/model';

/** Fields that change where and how flows are shown, and not which flows come or how they are sent. */
const ofTheView = ['refId', 'key', 'datasource', 'hide', 'editorMode', 'follow', 'limit'] as const;

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
