import type { ColumnId } from '../engine/protocol';
import type { Column } from './columns';

/** Limits of a column's width in pixels. The minimum leaves room to drag its edge. */
const minColumnWidth = 40;
const maxColumnWidth = 1200;

/** The ids with one of them moved by a number of places, among those that are `shown`. */
export function moved(ids: readonly ColumnId[], shown: readonly ColumnId[], id: ColumnId, by: number): ColumnId[] {
  const from = shown.indexOf(id);
  const to = Math.min(shown.length - 1, Math.max(0, from + by));
  const neighbour = shown[to];
  if (from < 0 || neighbour === undefined || neighbour === id) {
    return [...ids];
  }
  const others = ids.filter((other) => other !== id);
  const at = others.indexOf(neighbour) + (to > from ? 1 : 0);
  return [...others.slice(0, at), id, ...others.slice(at)];
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
