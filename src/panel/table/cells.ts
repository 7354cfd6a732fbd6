import { dateTimeFormat, type TimeZone } from '@grafana/data';

import { textOf, type ColumnId, type FlowBatch } from '../engine/protocol';
import type { TimeColumnZone } from '../options';

export interface TimeFormat {
  timeZone: TimeZone;
  /** Whether to show the date; not needed for flows of one day. */
  withDate: boolean;
  /** Texts of seconds, by Unix time: Grafana's formatter takes longer than all else in a row. */
  seconds: Map<number, string>;
}

/** Number of seconds whose texts are kept. */
const maxSeconds = 10_000;

/** The text of a cell. */
export function cellText(batch: FlowBatch, column: ColumnId, row: number, time: TimeFormat): string {
  switch (column) {
    case 'time':
      return shortTime(batch.timesMs[row], time);
    case 'sourcePort':
      return portText(batch.sourcePorts[row]);
    case 'destinationPort':
      return portText(batch.destinationPorts[row]);
    default:
      return textOf(batch, column, row);
  }
}

function shortTime(timeMs: number | undefined, { timeZone, withDate, seconds }: TimeFormat): string {
  if (timeMs === undefined || !Number.isFinite(timeMs)) {
    return '';
  }
  const second = Math.floor(timeMs / 1_000);
  let text = seconds.get(second);
  if (text === undefined) {
    if (seconds.size >= maxSeconds) {
      seconds.clear();
    }
    text = timeText(second * 1_000, withDate ? 'MM-DD HH:mm:ss' : 'HH:mm:ss', timeZone);
    seconds.set(second, text);
  }
  return `${text}.${String(Math.floor(timeMs) - second * 1_000).padStart(3, '0')}`;
}

/** A time with date and zone. */
export function fullTimeText(timeMs: number | undefined, { timeZone }: Pick<TimeFormat, 'timeZone'>): string {
  return timeText(timeMs, 'YYYY-MM-DD HH:mm:ss.SSS Z', timeZone);
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
