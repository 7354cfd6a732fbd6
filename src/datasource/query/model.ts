import type { CoreApp } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';

import type { FilterField } from './fields';

/** Values by field: those of one field are joined by "or", the fields by "and". */
export type FlowFilter = Partial<Record<FilterField, string[]>>;

export type FlowsFormat = 'table' | 'packed';

export interface FlowsQuery extends DataQuery {
  queryType: 'flows';
  filter?: FlowFilter;
  exclude?: FlowFilter;
  format?: FlowsFormat;
  limit?: number;
}

export type PromqlFormat = 'time_series' | 'table' | 'heatmap';

/** Named as in Grafana's own Prometheus source, so that a panel keeps working when its source is switched. */
export interface PromqlQuery extends DataQuery {
  queryType?: 'promql';
  expr: string;
  range?: boolean;
  instant?: boolean;
  exemplar?: boolean;
  legendFormat?: string;
  interval?: string;
  format?: PromqlFormat;
}

export type HubbleQuery = FlowsQuery | PromqlQuery;

/** What a query type that is not chosen yet stands for. */
export type QueryType = 'flows' | 'promql';

export const defaultLimit = 1_000;
export const maxLimit = 50_000;

/** A query without a type is PromQL where it came from a Prometheus source. */
export function queryTypeOf(query: Pick<HubbleQuery, 'queryType'> & { expr?: unknown }): QueryType {
  if (query.queryType === 'promql' || query.queryType === 'flows') {
    return query.queryType;
  }
  return typeof query.expr === 'string' ? 'promql' : 'flows';
}

export function isPromql(query: HubbleQuery): query is PromqlQuery {
  return queryTypeOf(query) === 'promql';
}

/** Explore draws packed flows in the flows panel; any other panel needs a table. */
export function defaultQuery(app?: CoreApp | string): Partial<FlowsQuery> {
  return { queryType: 'flows', format: app === 'explore' ? 'packed' : 'table', limit: defaultLimit };
}

export function defaultPromqlQuery(): Omit<PromqlQuery, 'refId'> {
  return { queryType: 'promql', expr: '', range: true, instant: false, legendFormat: '__auto', format: 'time_series' };
}

/** The whole number that a text stands for as a limit, if it is one. */
export function limitOf(text: string): number | undefined {
  const limit = Number(text.trim());
  return Number.isInteger(limit) && limit >= 1 && limit <= maxLimit ? limit : undefined;
}
