import type { DataQuery } from '@grafana/schema';

import { prometheusTypes } from '../delegation';
import { fitted, type HubbleQuery } from './model';

/**
 * What is kept of the queries of a source of the type `origin`: PromQL as it is, with its options; nothing of other
 * languages. Where nothing is kept, Grafana begins with what this source proposes.
 */
export function imported(queries: readonly DataQuery[], origin: string): HubbleQuery[] {
  if (!prometheusTypes.some((type) => type === origin)) {
    return [];
  }
  return queries.flatMap((query) => {
    const { expr } = query as { expr?: unknown };
    // The type of another source's query says what else it holds, not what it asks.
    return typeof expr === 'string' ? [fitted({ ...query, queryType: undefined, expr } as HubbleQuery)] : [];
  });
}
