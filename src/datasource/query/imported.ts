import type { DataQuery } from '@grafana/schema';

import { prometheusTypes } from '../delegation';
import { defaultQuery, fitted, type HubbleQuery } from './model';

/**
 * The queries of a source of the type `origin`: PromQL stays as it is, with its options; of other languages nothing
 * is kept. Without a query that can be kept, the one that a panel begins with.
 */
export function imported(queries: readonly DataQuery[], origin: string): HubbleQuery[] {
  const kept = prometheusTypes.some((type) => type === origin)
    ? queries.flatMap((query) => {
        const { expr } = query as { expr?: unknown };
        // The type of another source's query says what else it holds, not what it asks.
        return typeof expr === 'string' ? [fitted({ ...query, queryType: undefined, expr } as HubbleQuery)] : [];
      })
    : [];
  const [first] = queries;
  return kept.length > 0 ? kept : [{ refId: first?.refId ?? 'A', ...defaultQuery() } as HubbleQuery];
}
