import type { DataFrame, DataQueryError, DataQueryResponse, Field } from '@grafana/data';

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
  return {
    ...response,
    data: (response.data as DataFrame[]).map((frame) => {
      const named = underItsName(frame);
      return named === frame ? frame : { ...named, fields: frame.fields.map((field) => ofQuery(field, named.refId)) };
    }),
    ...(response.errors && { errors: response.errors.map(underItsName) }),
    ...(response.error && { error: underItsName(response.error) }),
  };
}

function underItsName<T extends DataFrame | DataQueryError>(part: T): T {
  return part.refId?.endsWith(instantHalf) ? { ...part, refId: part.refId.slice(0, -instantHalf.length) } : part;
}

/** The values of several tables stand beside each other, each column under the name of its query. */
function ofQuery(field: Field, refId = ''): Field {
  return field.name === `Value #${refId}${instantHalf}` ? { ...field, name: `Value #${refId}` } : field;
}
