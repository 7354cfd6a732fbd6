import type { AdHocVariableFilter, CoreApp } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';

import type { FilterField, GroupField } from './fields';

/** Values by field: those of one field are joined by "or", the fields by "and". */
export type FlowFilter = Partial<Record<FilterField, string[]>>;

/** A condition that must hold beside the query's own; Grafana's ad hoc filters have the same shape. */
export type AdhocFilter = Pick<AdHocVariableFilter, 'key' | 'operator' | 'value' | 'values'>;

/** Which flows, as the builder holds it. */
export interface FlowForm {
  filter?: FlowFilter;
  exclude?: FlowFilter;
  /** Filters in JSON, as `--print-raw-filters` gives them. */
  allowlist?: string[];
  denylist?: string[];
  since?: string;
  until?: string;
  last?: number;
  first?: number;
  all?: boolean;
  follow?: boolean;
}

/** Which flows: the builder's form, or a `hubble observe …` line. */
export interface FlowSelection extends FlowForm {
  text?: string;
  /** How the selection is written. Without it, a line that is there counts. */
  editorMode?: EditorMode;
  adhocFilters?: AdhocFilter[];
}

export type EditorMode = 'builder' | 'text';

export type FlowsFormat = 'table' | 'logs' | 'packed';

export interface FlowsQuery extends DataQuery, FlowSelection {
  queryType: 'flows';
  format?: FlowsFormat;
  limit?: number;
}

export type FlowMetric = 'count' | 'rate' | 'dropRatio' | 'distinctPeers';

export type FlowMetricsFormat = 'time_series' | 'top';

export interface FlowMetricsQuery extends DataQuery, FlowSelection {
  queryType: 'flowMetrics';
  metric?: FlowMetric;
  groupBy?: GroupField[];
  format?: FlowMetricsFormat;
  /** Groups that are shown. */
  limit?: number;
}

export type MapBy = 'workload' | 'namespace' | 'pod' | 'identity';

export interface ServiceMapQuery extends DataQuery, FlowSelection {
  queryType: 'serviceMap';
  by?: MapBy;
}

/** The first drop of each pair, as marks on a time axis. */
export interface FlowAnnotationsQuery extends DataQuery, FlowSelection {
  queryType: 'flowAnnotations';
  /** Pairs that are marked. */
  limit?: number;
}

/** Names that were asked for, with the connections that followed. */
export interface DnsConnectionsQuery extends DataQuery, FlowSelection {
  queryType: 'dnsConnections';
  /** Only answers that hold this address. */
  ip?: string;
  limit?: number;
}

/** The queries that Hubble Relay answers. */
export type RelayQuery = FlowsQuery | FlowMetricsQuery | ServiceMapQuery | FlowAnnotationsQuery | DnsConnectionsQuery;

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
  adhocFilters?: AdhocFilter[];
}

export type HubbleQuery = RelayQuery | PromqlQuery;

/** What a query type that is not chosen yet stands for. */
export type QueryType = 'flows' | 'flowMetrics' | 'serviceMap' | 'dnsConnections' | 'flowAnnotations' | 'promql';

export const queryTypes = [
  'flows',
  'flowMetrics',
  'serviceMap',
  'dnsConnections',
  'flowAnnotations',
  'promql',
] as const satisfies readonly QueryType[];

export const defaultLimit = 1_000;
export const maxLimit = 50_000;
export const defaultGroups = 20;
export const maxGroups = 500;
export const defaultAnnotations = 100;
export const maxAnnotations = 1_000;
export const defaultNames = 1_000;
export const maxNames = 10_000;

/** A query without a type is PromQL where it came from a Prometheus source. */
export function queryTypeOf(query: Pick<HubbleQuery, 'queryType'> & { expr?: unknown }): QueryType {
  const named = queryTypes.find((type) => type === query.queryType);
  return named ?? (typeof query.expr === 'string' ? 'promql' : 'flows');
}

export function isPromql(query: HubbleQuery): query is PromqlQuery {
  return queryTypeOf(query) === 'promql';
}

export function isFlows(query: HubbleQuery): query is FlowsQuery {
  return queryTypeOf(query) === 'flows';
}

/** Explore draws packed flows in the flows panel; any other panel needs a table. */
export function defaultQuery(app?: CoreApp | string): Partial<FlowsQuery> {
  return { queryType: 'flows', format: app === 'explore' ? 'packed' : 'table', limit: defaultLimit };
}

export function defaultPromqlQuery(): Omit<PromqlQuery, 'refId'> {
  return { queryType: 'promql', expr: '', range: true, instant: false, legendFormat: '__auto', format: 'time_series' };
}

/** The query as one of another type. Which flows it asks for stays, where both ask for flows. */
export function withType(query: HubbleQuery, type: QueryType, app?: CoreApp | string): HubbleQuery {
  const { refId, hide, key, datasource } = query;
  const common = { refId, hide, key, datasource };
  const selection = isPromql(query) ? {} : selectionOf(query);
  switch (type) {
    case 'promql':
      return { ...common, ...defaultPromqlQuery() };
    case 'flows':
      return { ...common, ...selection, ...defaultQuery(app), queryType: 'flows' };
    case 'flowMetrics':
      return { ...common, ...selection, queryType: 'flowMetrics', metric: 'rate', groupBy: ['verdict'] };
    case 'serviceMap':
      return { ...common, ...selection, queryType: 'serviceMap', by: 'workload' };
    case 'dnsConnections':
    case 'flowAnnotations':
      return { ...common, ...selection, queryType: type };
  }
}

const selectionFields = [
  'text',
  'editorMode',
  'filter',
  'exclude',
  'allowlist',
  'denylist',
  'since',
  'until',
  'last',
  'first',
  'all',
  'follow',
  'adhocFilters',
] as const satisfies ReadonlyArray<keyof FlowSelection>;

/** What of a query says which flows. */
export function selectionOf(query: FlowSelection): FlowSelection {
  const fields = selectionFields.filter((field) => query[field] !== undefined);
  return Object.fromEntries(fields.map((field) => [field, query[field]]));
}

/** The query with another selection of flows; nothing of its own is left. */
export function withSelection<Q extends RelayQuery>(query: Q, selection: FlowSelection): Q {
  const rest = { ...query };
  for (const field of selectionFields) {
    delete rest[field];
  }
  return { ...rest, ...selectionOf(selection) };
}

/** Whether the query is written as a line. */
export function modeOf(query: FlowSelection): EditorMode {
  return query.editorMode ?? (query.text?.trim() ? 'text' : 'builder');
}

/** The whole number that a text stands for as a limit, if it is one. */
export function limitOf(text: string, max: number = maxLimit): number | undefined {
  const limit = Number(text.trim());
  return Number.isInteger(limit) && limit >= 1 && limit <= max ? limit : undefined;
}
