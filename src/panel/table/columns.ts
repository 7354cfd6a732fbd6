import { judgedColumns } from '../engine/generated';
import type { ColumnId, JudgedColumnId } from '../engine/protocol';
import { text } from '../text';

export interface Column {
  id: ColumnId;
  title: string;
  /** Width in pixels for the usual content. */
  width: number;
  /** Share of the remaining width; 0 for a column that does not grow. */
  grow: number;
  numeric?: boolean;
}

/** All columns, in the order of the table. */
export const columns: readonly Column[] = [
  { id: 'time', title: text.columns.time, width: 108, grow: 0 },
  { id: 'verdict', title: text.columns.verdict, width: 108, grow: 0 },
  { id: 'agreement', title: text.columns.agreement, width: 104, grow: 0 },
  { id: 'direction', title: text.columns.direction, width: 80, grow: 0 },
  { id: 'type', title: text.columns.type, width: 112, grow: 0 },
  { id: 'source', title: text.columns.source, width: 180, grow: 5 },
  { id: 'sourceIp', title: text.columns.sourceIp, width: 120, grow: 0 },
  { id: 'sourcePort', title: text.columns.sourcePort, width: 88, grow: 0, numeric: true },
  { id: 'destination', title: text.columns.destination, width: 180, grow: 5 },
  { id: 'destinationIp', title: text.columns.destinationIp, width: 120, grow: 0 },
  { id: 'destinationPort', title: text.columns.destinationPort, width: 60, grow: 0, numeric: true },
  { id: 'protocol', title: text.columns.protocol, width: 76, grow: 0 },
  { id: 'summary', title: text.columns.summary, width: 130, grow: 4 },
  { id: 'dropReason', title: text.columns.dropReason, width: 130, grow: 0 },
  { id: 'policy', title: text.columns.policy, width: 120, grow: 3 },
  { id: 'computed', title: text.columns.computed, width: 96, grow: 0 },
  { id: 'decidedBy', title: text.columns.decidedBy, width: 160, grow: 3 },
  { id: 'reply', title: text.columns.reply, width: 76, grow: 0 },
  { id: 'node', title: text.columns.node, width: 140, grow: 1 },
];

export const defaultColumns: ColumnId[] = [
  'time',
  'verdict',
  'agreement',
  'direction',
  'type',
  'source',
  'destination',
  'destinationPort',
  'protocol',
  'summary',
  'dropReason',
  'policy',
];

/** Limits of a column's width in pixels. The minimum leaves room to drag its edge. */
const minColumnWidth = 40;
const maxColumnWidth = 1200;

/**
 * The columns with these ids, in the order of the table; the default ones where no id is known. Columns of verdicts by
 * policies need policies.
 */
export function shownColumns(ids: readonly string[] | undefined, withPolicies = true): Column[] {
  const there = columns.filter((column) => withPolicies || !isJudged(column.id));
  const shown = there.filter((column) => ids?.includes(column.id));
  return shown.length > 0 ? shown : there.filter((column) => defaultColumns.includes(column.id));
}

function isJudged(id: ColumnId): id is JudgedColumnId {
  return (judgedColumns as readonly ColumnId[]).includes(id);
}

/** An empty column, as narrow as its title. */
export function shrunk(column: Column): Column {
  return { ...column, width: Math.min(column.width, 32 + 7 * column.title.length), grow: 0 };
}

/** Widths in pixels: the one set by the user, or else the usual one plus a share of the remaining width. */
export function layoutColumns(
  shown: readonly Column[],
  widths: Partial<Record<ColumnId, number>> | undefined,
  available: number
): number[] {
  const fixed = shown.map((column) => {
    const width = widths?.[column.id];
    return typeof width === 'number' && Number.isFinite(width) ? clampWidth(width) : undefined;
  });
  const taken = shown.reduce((sum, column, at) => sum + (fixed[at] ?? column.width), 0);
  const shares = shown.reduce((sum, column, at) => sum + (fixed[at] === undefined ? column.grow : 0), 0);
  const left = Math.max(0, available - taken);
  return shown.map(
    (column, at) => fixed[at] ?? Math.floor(column.width + (shares > 0 ? (left * column.grow) / shares : 0))
  );
}

export function clampWidth(width: number): number {
  return Math.round(Math.min(maxColumnWidth, Math.max(minColumnWidth, width)));
}
