import type { CoreApp } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';

import {
  defaultLimit,
  maxLimit,
  type AdhocFilter,
  type DnsConnectionsFields,
  type FlowAnnotationsFields,
  type FlowMetricsFields,
  type FlowsFields,
  type FormFields,
  type PromqlFields,
  type ServiceMapFields,
} from './generated';

export type {
  AdhocFilter,
  FlowFilter,
  FlowMetric,
  FlowMetricsFormat,
  FlowsFormat,
  MapBy,
  PromqlFormat,
} from './generated';
export {
  defaultAnnotations,
  defaultGroups,
  defaultLimit,
  defaultNames,
  maxAnnotations,
  maxGroups,
  maxLimit,
  maxNames,
} from './generated';

/** Which flows, as the builder holds it. */
export type FlowForm = Omit<FormFields, 'text' | 'adhocFilters'>;

/** Which flows: the builder's form, or a `hubble observe …` line. */
export interface FlowSelection extends FormFields {
  /** How the selection is written. Without it, a line that is there counts. */
  editorMode?: EditorMode;
}

export type EditorMode = 'builder' | 'text';

export interface FlowsQuery extends DataQuery, FlowSelection, FlowsFields {
  queryType: 'flows';
}

export interface FlowMetricsQuery extends DataQuery, FlowSelection, FlowMetricsFields {
  queryType: 'flowMetrics';
}

export interface ServiceMapQuery extends DataQuery, FlowSelection, ServiceMapFields {
  queryType: 'serviceMap';
}

/** The first drop of each pair, as marks on a time axis. */
export interface FlowAnnotationsQuery extends DataQuery, FlowSelection, FlowAnnotationsFields {
  queryType: 'flowAnnotations';
}

/** Names that were asked for, with the connections that followed. */
export interface DnsConnectionsQuery extends DataQuery, FlowSelection, DnsConnectionsFields {
  queryType: 'dnsConnections';
}

/** The queries that Hubble Relay answers. */
export type RelayQuery = FlowsQuery | FlowMetricsQuery | ServiceMapQuery | FlowAnnotationsQuery | DnsConnectionsQuery;

/** Named as in Grafana's own Prometheus source, so that a panel keeps working when its source is switched. */
export interface PromqlQuery extends DataQuery, PromqlFields {
  queryType?: 'promql';
  expr: string;
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
