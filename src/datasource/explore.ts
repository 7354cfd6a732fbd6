import type { DataFrame, DataQueryError, DataQueryResponse, Field } from '@grafana/data';

import { isPromql, type HubbleQuery } from './query/model';

/** Suffix of the refId of the instant half of a query of type Both. No refId of Grafana ends like this. */
const instantHalf = '#instant';

/**
 * The queries that Explore runs for a query. A ranking becomes a table with a column for each key, since nothing else in
 * Explore shows the names of the groups. PromQL of type Both becomes two queries.
 */
export function toExploreQueries(query: HubbleQuery): HubbleQuery[] {
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

/** The answer to such queries, under the refIds of the original queries. */
export function fromExploreResponse(response: DataQueryResponse): DataQueryResponse {
  return {
    ...response,
    data: (response.data as DataFrame[]).map((frame) => {
      const named = restoreRefId(frame);
      return named === frame
        ? frame
        : { ...named, fields: frame.fields.map((field) => restoreFieldName(field, named.refId)) };
    }),
    ...(response.errors && { errors: response.errors.map(restoreRefId) }),
    ...(response.error && { error: restoreRefId(response.error) }),
  };
}

function restoreRefId<T extends DataFrame | DataQueryError>(part: T): T {
  return part.refId?.endsWith(instantHalf) ? { ...part, refId: part.refId.slice(0, -instantHalf.length) } : part;
}

/** The field under the refId of the original query: Explore joins several tables and names each value column so. */
function restoreFieldName(field: Field, refId = ''): Field {
  return field.name === `Value #${refId}${instantHalf}` ? { ...field, name: `Value #${refId}` } : field;
}
