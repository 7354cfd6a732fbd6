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

/** All columns, in the order of use. */
export const columns: readonly Column[] = [
  { id: 'time', title: text.columns.time, width: 108, grow: 0 },
  { id: 'verdict', title: text.columns.verdict, width: 108, grow: 0 },
  { id: 'agreement', title: text.columns.agreement, width: 104, grow: 0 },
  { id: 'dropReason', title: text.columns.dropReason, width: 130, grow: 0 },
  { id: 'source', title: text.columns.source, width: 180, grow: 5 },
  { id: 'sourceIp', title: text.columns.sourceIp, width: 120, grow: 0 },
  { id: 'sourcePort', title: text.columns.sourcePort, width: 88, grow: 0, numeric: true },
  { id: 'destination', title: text.columns.destination, width: 180, grow: 5 },
  { id: 'destinationIp', title: text.columns.destinationIp, width: 120, grow: 0 },
  { id: 'destinationPort', title: text.columns.destinationPort, width: 60, grow: 0, numeric: true },
  { id: 'protocol', title: text.columns.protocol, width: 76, grow: 0 },
  { id: 'summary', title: text.columns.summary, width: 130, grow: 4 },
  { id: 'policy', title: text.columns.policy, width: 120, grow: 3 },
  { id: 'direction', title: text.columns.direction, width: 80, grow: 0 },
  { id: 'type', title: text.columns.type, width: 112, grow: 0 },
  { id: 'computed', title: text.columns.computed, width: 96, grow: 0 },
  { id: 'decidedBy', title: text.columns.decidedBy, width: 160, grow: 3 },
  { id: 'reply', title: text.columns.reply, width: 76, grow: 0 },
  { id: 'node', title: text.columns.node, width: 140, grow: 1 },
];

const byId: ReadonlyMap<unknown, Column> = new Map(columns.map((column) => [column.id, column]));

/** Whether a column has this id. */
export function isColumn(id: unknown): id is ColumnId {
  return byId.has(id);
}

export function titleOf(id: ColumnId): string {
  return byId.get(id)?.title ?? id;
}

export const defaultColumns: ColumnId[] = [
  'time',
  'verdict',
  'agreement',
  'dropReason',
  'source',
  'destination',
  'destinationPort',
  'protocol',
  'summary',
  'policy',
  'direction',
  'type',
];

/**
 * The columns with these ids, in their order, pinned ones first; the default ones where no id is known. Columns of
 * verdicts by policies need policies.
 */
export function shownColumns(
  ids: readonly string[] | undefined,
  withPolicies = true,
  pinned: readonly string[] = []
): Column[] {
  const named = (names: readonly string[]) =>
    [...new Set(names)].flatMap((id) => byId.get(id) ?? []).filter(({ id }) => withPolicies || !isJudged(id));
  const known = named(ids ?? []);
  const shown = known.length > 0 ? known : named(defaultColumns);
  return [...shown.filter(({ id }) => pinned.includes(id)), ...shown.filter(({ id }) => !pinned.includes(id))];
}

function isJudged(id: ColumnId): id is JudgedColumnId {
  return (judgedColumns as readonly ColumnId[]).includes(id);
}
