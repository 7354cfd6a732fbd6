import {
  dateTime,
  FieldType,
  LogRowContextQueryDirection,
  type DataFrame,
  type DataQueryRequest,
  type Labels,
  type LogRowContextOptions,
  type LogRowModel,
} from '@grafana/data';

import type { FlowsQuery, HubbleQuery } from '../query/model';

/** The flows that are shown around a flow. */
export type ContextScope = 'pair' | 'direction' | 'source' | 'destination';

const contextScopes = ['pair', 'direction', 'source', 'destination'] as const satisfies readonly ContextScope[];

const defaultLines = 100;
/** Time range in each direction, in milliseconds. Hubble keeps flows for minutes to hours. */
const windowMs = 2 * 60 * 60 * 1000;

interface Endpoint {
  /** A field of Hubble's JSON filters, without `source_` or `destination_`. */
  name: 'pod' | 'ip';
  value: string;
}

/** The source or destination of a flow: its pod, or else its address. */
function endpointOf(labels: Labels, role: 'from' | 'to'): Endpoint | undefined {
  const pod = labels[`${role}Pod`];
  const ip = labels[`${role}Ip`];
  return pod ? { name: 'pod', value: pod } : ip ? { name: 'ip', value: ip } : undefined;
}

/** The scopes that the labels of a flow allow. */
export function scopesOf(labels: Labels): ContextScope[] {
  const source = endpointOf(labels, 'from') !== undefined;
  const destination = endpointOf(labels, 'to') !== undefined;
  return contextScopes.filter((scope) =>
    scope === 'source' ? source : scope === 'destination' ? destination : source && destination
  );
}

/** Hubble's JSON filters for the flows around one; undefined for a flow without pods and addresses. */
export function contextFilters(labels: Labels, wanted: ContextScope): string[] | undefined {
  const scopes = scopesOf(labels);
  const scope = scopes.includes(wanted) ? wanted : scopes[0];
  const source = endpointOf(labels, 'from');
  const destination = endpointOf(labels, 'to');
  const filter = (from: Endpoint | undefined, to: Endpoint | undefined) =>
    JSON.stringify({
      ...(from && { [`source_${from.name}`]: [from.value] }),
      ...(to && { [`destination_${to.name}`]: [to.value] }),
    });
  switch (scope) {
    case 'pair':
      return [filter(source, destination), filter(destination, source)];
    case 'direction':
      return [filter(source, destination)];
    case 'source':
      return [filter(source, undefined), filter(undefined, source)];
    case 'destination':
      return [filter(destination, undefined), filter(undefined, destination)];
    case undefined:
      return undefined;
  }
}

/** The query for the flows before or after a row. */
export function contextQuery(row: LogRowModel, scope: ContextScope, options: LogRowContextOptions = {}): FlowsQuery {
  const allowlist = contextFilters(row.labels, scope);
  if (!allowlist) {
    throw new Error('the flow names neither a pod nor an address');
  }
  const limit = options.limit ?? defaultLines;
  const forward = options.direction === LogRowContextQueryDirection.Forward;
  return {
    // Both directions are queried at the same time.
    refId: `log-row-context-query-${options.direction ?? LogRowContextQueryDirection.Backward}`,
    queryType: 'flows',
    format: 'logs',
    limit,
    allowlist,
    ...(forward && { first: limit }),
  };
}

/** The request for the flows before or after a row. */
export function contextRequest(
  row: LogRowModel,
  query: FlowsQuery,
  options: LogRowContextOptions = {}
): DataQueryRequest<HubbleQuery> {
  const span = options.timeWindowMs ?? windowMs;
  const forward = options.direction === LogRowContextQueryDirection.Forward;
  // Whole milliseconds: `contextRows` removes the flows on the wrong side of the row.
  const from = dateTime(forward ? row.timeEpochMs : row.timeEpochMs - span);
  const to = dateTime(forward ? row.timeEpochMs + span : row.timeEpochMs + 1);
  return {
    app: 'explore',
    requestId: `${query.refId}-${row.uid}`,
    targets: [query],
    range: { from, to, raw: { from, to } },
    interval: '1s',
    intervalMs: 1_000,
    maxDataPoints: 1_000,
    scopedVars: {},
    timezone: '',
    startTime: Date.now(),
    hideFromInspector: true,
  };
}

/** The rows of a frame before or after a row, without it; newest first. */
export function contextRows(frame: DataFrame, row: LogRowModel, direction?: LogRowContextQueryDirection): DataFrame {
  const time = frame.fields.find(({ type }) => type === FieldType.time);
  const ids = frame.fields.find(({ name }) => name === 'id');
  const rowNanos = BigInt(row.timeEpochNs);
  const nanosOf = (at: number) =>
    BigInt(Math.trunc(time?.values[at] ?? 0)) * 1_000_000n + BigInt(time?.nanos?.[at] ?? 0);
  const forward = direction === LogRowContextQueryDirection.Forward;
  const kept = Array.from({ length: frame.length }, (_, at) => at)
    .filter((at) => ids === undefined || ids.values[at] !== idOf(row))
    .filter((at) => (forward ? nanosOf(at) >= rowNanos : nanosOf(at) < rowNanos))
    .sort((one, other) => (nanosOf(other) > nanosOf(one) ? 1 : nanosOf(other) < nanosOf(one) ? -1 : other - one));
  return {
    ...frame,
    length: kept.length,
    fields: frame.fields.map((field) => ({
      ...field,
      values: kept.map((at) => field.values[at]),
      ...(field.nanos && { nanos: kept.map((at) => field.nanos?.[at] ?? 0) }),
      state: undefined,
    })),
  };
}

/** The flow's uuid. */
function idOf(row: LogRowModel): unknown {
  return row.dataFrame.fields.find(({ name }) => name === 'id')?.values[row.rowIndex];
}
