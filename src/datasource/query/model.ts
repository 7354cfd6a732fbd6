import type { CoreApp } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';

import {
  maxAnnotations,
  maxGroups,
  maxLimit,
  maxNames,
  type AdhocFilter,
  type DnsConnectionsFields,
  type FlowAnnotationsFields,
  type FlowMetricsFields,
  type FlowMetricsFormat,
  type FlowsFields,
  type FlowsFormat,
  type FormFields,
  type PromqlFields,
  type PromqlFormat,
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

/** The selection of flows in the builder. */
export type FlowForm = Omit<FormFields, 'text' | 'adhocFilters'>;

/** The selection of flows: the builder's form, or a `hubble observe …` line. */
export interface FlowSelection extends FormFields {
  /**
   * A dashboard's ad hoc variable, as `$name`, whose filters apply to this query. Grafana passes the filters itself only
   * where the variable names the data source by uid, not by `default`, and runs the query again after a change only where
   * the query names the variable. Never sent to the backend.
   */
  adhocVariable?: string;
  /** The form in use. Default: the line, if there is one. */
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

/** Annotations: the first drop of each pair. */
export interface FlowAnnotationsQuery extends DataQuery, FlowSelection, FlowAnnotationsFields {
  queryType: 'flowAnnotations';
}

/** DNS names with the connections that followed each lookup. */
export interface DnsConnectionsQuery extends DataQuery, FlowSelection, DnsConnectionsFields {
  queryType: 'dnsConnections';
}

/** The queries for Hubble Relay. */
export type RelayQuery = FlowsQuery | FlowMetricsQuery | ServiceMapQuery | FlowAnnotationsQuery | DnsConnectionsQuery;

/** A PromQL query, with the field names of Grafana's Prometheus source: `importQueries` keeps it on a switch. */
export interface PromqlQuery extends DataQuery, PromqlFields {
  queryType?: 'promql';
  expr: string;
  adhocFilters?: AdhocFilter[];
}

export type HubbleQuery = RelayQuery | PromqlQuery;

/** The type of a query without `queryType`. */
export type QueryType = 'flows' | 'flowMetrics' | 'serviceMap' | 'dnsConnections' | 'flowAnnotations' | 'promql';

export const queryTypes = [
  'flows',
  'flowMetrics',
  'serviceMap',
  'dnsConnections',
  'flowAnnotations',
  'promql',
] as const satisfies readonly QueryType[];

/**
 * The type of a query. One with an expression is PromQL whatever its `queryType`: Grafana writes this data source's
 * default type into queries of another data source.
 */
export function queryTypeOf(query: Pick<HubbleQuery, 'queryType'> & { expr?: unknown }): QueryType {
  const { expr } = query;
  const named = queryTypes.find((type) => type === query.queryType);
  if (typeof expr === 'string' && (expr.trim() !== '' || named === undefined)) {
    return 'promql';
  }
  return named ?? 'flows';
}

export function isPromql(query: HubbleQuery): query is PromqlQuery {
  return queryTypeOf(query) === 'promql';
}

export function isFlows(query: HubbleQuery): query is FlowsQuery {
  return queryTypeOf(query) === 'flows';
}

/** Whether an app edits the queries of alert rules. */
export function isAlerting(app?: CoreApp | string): boolean {
  return app === 'unified-alerting' || app === 'cloud-alerting';
}

/**
 * The default query. Explore shows packed flows in the flows panel; an alert rule needs numbers. Grafana merges it into
 * queries of any type, so it must not repeat defaults.
 */
export function defaultQuery(app?: CoreApp | string): Partial<FlowsQuery | FlowMetricsQuery> {
  if (isAlerting(app)) {
    return { queryType: 'flowMetrics', metric: 'rate', groupBy: ['verdict'], format: 'top' };
  }
  return { queryType: 'flows', ...(app === 'explore' && { format: 'packed' }) };
}

/** The default PromQL query: instant for an alert rule, over a range for a panel. */
function defaultPromqlQuery(app?: CoreApp | string): Omit<PromqlQuery, 'refId'> {
  const instant = isAlerting(app);
  return { queryType: 'promql', expr: '', range: !instant, instant, legendFormat: '__auto', format: 'time_series' };
}

/**
 * The query with another type. The selection of flows remains between types of flows. Between flows and PromQL nothing
 * can remain: `before` is the last query of the other kind, which returns.
 */
export function withType(
  query: HubbleQuery,
  type: QueryType,
  app?: CoreApp | string,
  before?: HubbleQuery
): HubbleQuery {
  const { refId, hide, key, datasource } = query;
  const common = { refId, hide, key, datasource };
  const crosses = isPromql(query) !== (type === 'promql');
  if (crosses && before && queryTypeOf(before) === type) {
    return { ...before, ...common };
  }
  const source = crosses ? before : query;
  const selection = source === undefined || isPromql(source) ? {} : selectionWithVariable(source);
  switch (type) {
    case 'promql':
      return { ...common, ...defaultPromqlQuery(app) };
    case 'flows':
      return { ...common, ...selection, queryType: 'flows', ...(app === 'explore' && { format: 'packed' }) };
    case 'flowMetrics':
      return {
        ...common,
        ...selection,
        queryType: 'flowMetrics',
        metric: 'rate',
        groupBy: ['verdict'],
        ...(isAlerting(app) && { format: 'top' }),
      };
    case 'serviceMap':
      return { ...common, ...selection, queryType: 'serviceMap', by: 'workload' };
    case 'dnsConnections':
    case 'flowAnnotations':
      return { ...common, ...selection, queryType: type };
  }
}

/** The fields of a type beside the selection of flows. */
interface OwnFields {
  fields?: readonly string[];
  formats?: readonly string[];
  maxLimit?: number;
}

const ownFields: Record<QueryType, OwnFields> = {
  flows: { formats: ['table', 'packed', 'logs'] satisfies FlowsFormat[], maxLimit },
  flowMetrics: {
    fields: ['metric', 'groupBy'],
    formats: ['time_series', 'top', 'long'] satisfies FlowMetricsFormat[],
    maxLimit: maxGroups,
  },
  serviceMap: { fields: ['by'] },
  dnsConnections: { fields: ['ip'], maxLimit: maxNames },
  flowAnnotations: { maxLimit: maxAnnotations },
  promql: { formats: ['time_series', 'table', 'heatmap'] satisfies PromqlFormat[] },
};

/** Whether a type has the field, with this value. */
function fits({ fields, formats, maxLimit = 0 }: OwnFields, field: string, value: unknown): boolean {
  switch (field) {
    case 'format':
      return formats?.some((known) => known === value) ?? false;
    case 'limit':
      return typeof value === 'number' && limitOf(String(value), maxLimit) !== undefined;
    default:
      return fields?.includes(field) ?? false;
  }
}

/**
 * The query with its type, and without fields of other types: Grafana merges the defaults of one type into queries of
 * another, and passes the fields of one data source to the next. Unknown fields remain, for the backend to refuse.
 */
export function normalizeQuery(query: HubbleQuery): HubbleQuery {
  const type = queryTypeOf(query);
  const isForeign = (field: string, value: unknown) =>
    !fits(ownFields[type], field, value) && Object.values(ownFields).some((other) => fits(other, field, value));
  const kept = Object.entries(query).filter(([field, value]) => !isForeign(field, value));
  return { ...Object.fromEntries(kept), queryType: type } as HubbleQuery;
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

/** The selection of flows in a query. */
export function selectionOf(query: FlowSelection): FlowSelection {
  const fields = selectionFields.filter((field) => query[field] !== undefined);
  return Object.fromEntries(fields.map((field) => [field, query[field]]));
}

/** The selection with the dashboard's ad hoc variable, which the backend does not get. */
function selectionWithVariable(query: RelayQuery): FlowSelection {
  const { adhocVariable } = query;
  return { ...selectionOf(query), ...(adhocVariable !== undefined && { adhocVariable }) };
}

/** The query with another selection of flows in place of its own. */
export function withSelection<Q extends RelayQuery>(query: Q, selection: FlowSelection): Q {
  const rest = { ...query };
  for (const field of selectionFields) {
    delete rest[field];
  }
  return { ...rest, ...selectionOf(selection) };
}

/** The form of a selection: the builder or a line. */
export function modeOf(query: FlowSelection): EditorMode {
  return query.editorMode ?? (query.text?.trim() ? 'text' : 'builder');
}

/** The limit in a text; undefined where it is not a whole number from 1 to `max`. */
export function limitOf(text: string, max: number = maxLimit): number | undefined {
  const limit = Number(text.trim());
  return Number.isInteger(limit) && limit >= 1 && limit <= max ? limit : undefined;
}
