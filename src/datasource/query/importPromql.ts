import type { DataQuery } from '@grafana/schema';

import { prometheusTypes } from '../delegation';
import { normalizeQuery, type HubbleQuery } from './model';

/**
 * The queries to keep from a data source of type `origin`: PromQL with its options, and no other language. Where none
 * remains, Grafana uses the default query.
 */
export function importPromql(queries: readonly DataQuery[], origin: string): HubbleQuery[] {
  if (!prometheusTypes.some((type) => type === origin)) {
    return [];
  }
  return queries.flatMap((query) => {
    const { expr } = query as { expr?: unknown };
    // `queryType` of another data source has another meaning.
    return typeof expr === 'string' ? [normalizeQuery({ ...query, queryType: undefined, expr } as HubbleQuery)] : [];
  });
}
