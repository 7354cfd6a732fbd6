import { dateTimeFormat, type TimeZone } from '@grafana/data';

import { textOf, type ColumnId, type FlowBatch } from '../engine/protocol';
import type { TimeColumnZone } from '../options';

export interface TimeFormat {
  timeZone: TimeZone;
  /** Whether to show the date; not needed for flows of one day. */
  withDate: boolean;
}

/** The text of a cell. */
export function cellText(batch: FlowBatch, column: ColumnId, row: number, time: TimeFormat): string {
  switch (column) {
    case 'time':
      return timeText(batch.timesMs[row], time.withDate ? 'MM-DD HH:mm:ss.SSS' : 'HH:mm:ss.SSS', time.timeZone);
    case 'sourcePort':
      return portText(batch.sourcePorts[row]);
    case 'destinationPort':
      return portText(batch.destinationPorts[row]);
    default:
      return textOf(batch, column, row);
  }
}

/** The time of a flow with date and zone, for a tooltip. */
export function fullTimeText(batch: FlowBatch, row: number, timeZone: TimeZone): string {
  return timeText(batch.timesMs[row], 'YYYY-MM-DD HH:mm:ss.SSS Z', timeZone);
}

/** Whether the flows span more than one day in this zone. */
export function spansDays(batch: FlowBatch, timeZone: TimeZone): boolean {
  let first = Infinity;
  let last = -Infinity;
  for (const time of batch.timesMs) {
    if (time < first) {
      first = time;
    }
    if (time > last) {
      last = time;
    }
  }
  return timeText(first, 'YYYY-MM-DD', timeZone) !== timeText(last, 'YYYY-MM-DD', timeZone);
}

/** The columns that are empty for every flow. */
export function emptyColumns(batch: FlowBatch): ReadonlySet<ColumnId> {
  const empty = new Set<ColumnId>();
  for (const [column, codes] of Object.entries(batch.codes)) {
    if (!codes.some((code) => code !== 0)) {
      empty.add(column as ColumnId);
    }
  }
  return empty;
}

/** The time zone of the time column. */
export function zoneOf(choice: TimeColumnZone, dashboard: TimeZone): TimeZone {
  return choice === 'dashboard' ? dashboard : choice;
}

function timeText(timeMs: number | undefined, format: string, timeZone: TimeZone): string {
  return timeMs === undefined || !Number.isFinite(timeMs) ? '' : dateTimeFormat(timeMs, { timeZone, format });
}

function portText(port: number | undefined): string {
  return port ? String(port) : '';
}
