import type { QueryFilterOptions, QueryFixAction, ToggleFilterAction } from '@grafana/data';

import { withAdHocFilters } from '../query/adhoc';
import { isPromql, type AdhocFilter, type HubbleQuery } from '../query/model';

const is = '=';
const isNot = '!=';

/** A predicate for the filter with this key, operator and value. */
function same(key: string, operator: string, value: string): (filter: AdhocFilter) => boolean {
  return (filter) => filter.key === key && filter.operator === operator && filter.value === value;
}

/** The query with an ad hoc filter added, or removed if it is set already. PromQL stays unchanged. */
export function toggleFilter(query: HubbleQuery, { type, options }: ToggleFilterAction): HubbleQuery {
  const { key, value } = options;
  if (isPromql(query) || key === undefined || value === undefined) {
    return query;
  }
  const [operator, opposite] = type === 'FILTER_FOR' ? [is, isNot] : [isNot, is];
  const filters = query.adhocFilters ?? [];
  if (filters.some(same(key, operator, value))) {
    return { ...query, adhocFilters: filters.filter((filter) => !same(key, operator, value)(filter)) };
  }
  const others = filters.filter((filter) => !same(key, opposite, value)(filter));
  return { ...query, adhocFilters: [...others, { key, operator, value }] };
}

/** Whether the query has an ad hoc filter for this value. */
export function hasFilter(query: HubbleQuery, { key, value }: QueryFilterOptions): boolean {
  return !isPromql(query) && (query.adhocFilters ?? []).some(same(key ?? '', is, value ?? ''));
}

/** The supported query modifications. */
export const modifications = ['ADD_FILTER', 'ADD_FILTER_OUT'];

/** The query with an ad hoc filter added; in PromQL, to each selector. */
export function modifyQuery(query: HubbleQuery, { type, options }: QueryFixAction): HubbleQuery {
  const { key, value } = options ?? {};
  if (key === undefined || value === undefined || !modifications.includes(type)) {
    return query;
  }
  const operator = type === 'ADD_FILTER' ? is : isNot;
  if (isPromql(query)) {
    return { ...query, expr: withAdHocFilters(query.expr, [{ key, operator, value }]).expr };
  }
  const filters = query.adhocFilters ?? [];
  return filters.some(same(key, operator, value))
    ? query
    : { ...query, adhocFilters: [...filters, { key, operator, value }] };
}
