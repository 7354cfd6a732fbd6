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

/** Which flows around a flow are shown. */
export type ContextScope = 'pair' | 'direction' | 'source' | 'destination';

export const contextScopes = ['pair', 'direction', 'source', 'destination'] as const satisfies readonly ContextScope[];

const defaultLines = 100;
/** Hubble forgets within minutes to hours. */
const windowMs = 2 * 60 * 60 * 1000;

interface End {
  /** Field of `FlowFilter` without its side. */
  name: 'pod' | 'ip';
  value: string;
}

/** How an end of a flow can be found again: by its pod, else by its address. */
function endOf(labels: Labels, side: 'from' | 'to'): End | undefined {
  const pod = labels[`${side}Pod`];
  const ip = labels[`${side}Ip`];
  return pod ? { name: 'pod', value: pod } : ip ? { name: 'ip', value: ip } : undefined;
}

/** What can be asked about the flow. */
export function scopesOf(labels: Labels): ContextScope[] {
  const source = endOf(labels, 'from') !== undefined;
  const destination = endOf(labels, 'to') !== undefined;
  return contextScopes.filter((scope) =>
    scope === 'source' ? source : scope === 'destination' ? destination : source && destination
  );
}

/** Hubble's filters in JSON for the flows around one; undefined where the flow tells no end. */
export function contextFilters(labels: Labels, wanted: ContextScope): string[] | undefined {
  const scopes = scopesOf(labels);
  const scope = scopes.includes(wanted) ? wanted : scopes[0];
  const source = endOf(labels, 'from');
  const destination = endOf(labels, 'to');
  const filter = (from: End | undefined, to: End | undefined) =>
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

/** The flows before or after a row. */
export function contextQuery(row: LogRowModel, scope: ContextScope, options: LogRowContextOptions = {}): FlowsQuery {
  const allowlist = contextFilters(row.labels, scope);
  if (!allowlist) {
    throw new Error('the flow names neither a pod nor an address');
  }
  const limit = options.limit ?? defaultLines;
  const forward = options.direction === LogRowContextQueryDirection.Forward;
  return {
    // Explore and the context ask for both directions at once.
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
  // Whole milliseconds: what of them is on the wrong side of the row is left out of the answer.
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

/** The lines of a frame that are before or after a row, without the row; newest first. */
export function aroundRow(frame: DataFrame, row: LogRowModel, direction?: LogRowContextQueryDirection): DataFrame {
  const time = frame.fields.find(({ type }) => type === FieldType.time);
  const ids = frame.fields.find(({ name }) => name === 'id');
  const own = BigInt(row.timeEpochNs);
  const nanosOf = (at: number) =>
    BigInt(Math.trunc(time?.values[at] ?? 0)) * 1_000_000n + BigInt(time?.nanos?.[at] ?? 0);
  const forward = direction === LogRowContextQueryDirection.Forward;
  const kept = Array.from({ length: frame.length }, (_, at) => at)
    .filter((at) => ids === undefined || ids.values[at] !== idOf(row))
    .filter((at) => (forward ? nanosOf(at) >= own : nanosOf(at) < own))
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
