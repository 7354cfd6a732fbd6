import type { DataFrame, DataQueryError, DataQueryResponse } from '@grafana/data';

import { isPromql, type HubbleQuery } from './query/model';

/** Ends the name of the instant half of a query that asks for both; no name that Grafana gives ends so. */
const instantHalf = '#instant';

/**
 * What Explore asks for a query: what is a number for each group is a table there, with a column for each key, as
 * nothing else would show the groups' names. PromQL that asks for a range and for its end is asked as two.
 */
export function forExplore(query: HubbleQuery): HubbleQuery[] {
  if (query.queryType === 'flowMetrics' && query.format === 'top') {
    return [{ ...query, format: 'long' }];
  }
  if (!isPromql(query) || !query.instant) {
    return [query];
  }
  const instant: HubbleQuery = { ...query, range: false, format: 'table' };
  return query.range
    ? [
        { ...query, instant: false },
        { ...instant, refId: query.refId + instantHalf, exemplar: false },
      ]
    : [instant];
}

/** The answer to such queries, under the names of those that were asked. */
export function fromExplore(response: DataQueryResponse): DataQueryResponse {
  const named = <T extends DataFrame | DataQueryError>(part: T): T =>
    part.refId?.endsWith(instantHalf) ? { ...part, refId: part.refId.slice(0, -instantHalf.length) } : part;
  return {
    ...response,
    data: (response.data as DataFrame[]).map(named),
    ...(response.errors && { errors: response.errors.map(named) }),
    ...(response.error && { error: named(response.error) }),
  };
}
