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

/** Which flows, as the builder holds it. */
export type FlowForm = Omit<FormFields, 'text' | 'adhocFilters'>;

/** Which flows: the builder's form, or a `hubble observe …` line. */
export interface FlowSelection extends FormFields {
  /**
   * A dashboard's ad hoc variable, as `$name`, whose conditions hold for this query. Grafana hands them over by itself only where
   * the variable names the data source by its uid, not where it stands on `default`; and it asks again after a change only where
   * the query names the variable. Never sent to the backend.
   */
  adhocVariable?: string;
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

/**
 * What a query asks for. An expression is PromQL, whatever type stands beside it: Grafana puts the type that
 * this source proposes into the queries of another source.
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

/** Whether queries are those of an alert rule. */
export function isAlerting(app?: CoreApp | string): boolean {
  return app === 'unified-alerting' || app === 'cloud-alerting';
}

/**
 * What a query begins with. Explore draws packed flows in the flows panel; an alert rule needs numbers. Grafana
 * merges it into queries of any type, so that it says nothing that is so by default anyway.
 */
export function defaultQuery(app?: CoreApp | string): Partial<FlowsQuery | FlowMetricsQuery> {
  if (isAlerting(app)) {
    return { queryType: 'flowMetrics', metric: 'rate', groupBy: ['verdict'], format: 'top' };
  }
  return { queryType: 'flows', ...(app === 'explore' && { format: 'packed' }) };
}

/** A rule compares the newest values; a panel shows their course. */
export function defaultPromqlQuery(app?: CoreApp | string): Omit<PromqlQuery, 'refId'> {
  const instant = isAlerting(app);
  return { queryType: 'promql', expr: '', range: !instant, instant, legendFormat: '__auto', format: 'time_series' };
}

/**
 * The query as one of another type. Which flows it asks for stays, where both ask for flows. Between flows and PromQL
 * nothing can stay: `before` is what the query was when it last asked for the other of them, and comes back.
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
  const asked = crosses ? before : query;
  const selection = asked === undefined || isPromql(asked) ? {} : selectionWithVariable(asked);
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

/** What a type has beside a selection of flows. */
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

/** Whether a type knows the value of a field. */
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
 * The query with its type, and without what only another type knows: Grafana merges the defaults of one type into
 * queries of another, and hands the fields of one source to the next. The type's own defaults hold in their place.
 * What no type knows stays, to be refused by name.
 */
export function fitted(query: HubbleQuery): HubbleQuery {
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

/** What of a query says which flows. */
export function selectionOf(query: FlowSelection): FlowSelection {
  const fields = selectionFields.filter((field) => query[field] !== undefined);
  return Object.fromEntries(fields.map((field) => [field, query[field]]));
}

/** The selection with the variable of a dashboard, which is no part of it for the backend. */
function selectionWithVariable(query: RelayQuery): FlowSelection {
  const { adhocVariable } = query;
  return { ...selectionOf(query), ...(adhocVariable !== undefined && { adhocVariable }) };
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
