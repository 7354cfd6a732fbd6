import type { Lines } from './lines';

/**
 * The rows that are drawn: the visible ones and some around them, so that scrolling shows no gaps. Rows of one height
 * need two divisions; `@tanstack/react-virtual` (15 KB) measures rows of any height.
 */
export interface RowWindow {
  first: number;
  /** One past the last. */
  end: number;
}

/** A line and a column of the table, from 0; -1 for no line, and for the whole line. */
export interface Place {
  line: number;
  column: number;
}

const overscan = 8;

/** The number of rows that are drawn at most; it depends on the height alone, so that rows can be used again. */
export function drawnRows(viewportHeight: number, rowHeight: number): number {
  return Math.ceil(viewportHeight / rowHeight) + 1 + 2 * overscan;
}

/** The drawn rows, where `inSight` is the first that is visible and `slots` the most that are drawn. */
export function windowOf(inSight: number, slots: number, rows: number): RowWindow {
  const first = Math.min(Math.max(0, inSight - overscan), Math.max(0, rows - slots));
  return { first, end: Math.min(rows, first + slots) };
}

/** The scroll position that makes `row` visible; the current one where it is visible already. */
export function scrollTopFor(row: number, scrollTop: number, viewportHeight: number, rowHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) {
    return top;
  }
  return Math.max(scrollTop, top + rowHeight - viewportHeight);
}

/** The place of a line after lines were added; -1 if it is not there. */
export function placeAfter(at: number, before: Lines, now: Lines): number {
  const line = before.at(at);
  const isSame = (place: number) => now.at(place)?.row === line?.row && now.at(place)?.kind === line?.kind;
  if (line === undefined || isSame(at)) {
    // Rows that are older than all others were added below.
    return line === undefined ? -1 : at;
  }
  for (let place = 0; place < now.count; place++) {
    if (isSame(place)) {
      return place;
    }
  }
  return -1;
}

/** The scroll position that keeps the reader at the same line after lines were added; the top stays the top. */
export function scrollTopAfter(scrollTop: number, rowHeight: number, before: Lines, now: Lines): number {
  const first = Math.floor(scrollTop / rowHeight);
  const place = scrollTop > 0 ? placeAfter(first, before, now) : -1;
  return place < 0 ? scrollTop : scrollTop + (place - first) * rowHeight;
}

interface Size {
  page: number;
  lines: number;
  columns: number;
}

/**
 * The place that a key leads to; undefined for other keys. Up and down move between lines, left and right between the
 * whole line and its cells. Home and End lead along a line with cells, else to the first and the last line, as with
 * `isFar` (Ctrl).
 */
export function afterKey(key: string, { line, column }: Place, size: Size, isFar: boolean): Place | undefined {
  const { page, lines, columns } = size;
  const last = lines - 1;
  if (last < 0) {
    return undefined;
  }
  const to = (wanted: number): Place => ({ line: Math.min(last, Math.max(0, wanted)), column });
  const along = (wanted: number): Place => ({
    line: Math.max(0, line),
    column: Math.min(columns - 1, Math.max(-1, wanted)),
  });
  switch (key) {
    case 'ArrowDown':
      return to(line + 1);
    case 'ArrowUp':
      return to(line < 0 ? 0 : line - 1);
    case 'ArrowRight':
      return along(column + 1);
    case 'ArrowLeft':
      return along(column - 1);
    case 'PageDown':
      return to(line + page);
    case 'PageUp':
      return to(line - page);
    case 'Home':
      return column < 0 || isFar ? to(0) : along(0);
    case 'End':
      return column < 0 || isFar ? to(last) : along(columns - 1);
    default:
      return undefined;
  }
}
