/**
 * The rows that are drawn: the visible ones and some around them, so that scrolling shows no gaps. Rows of one height
 * need two divisions; `@tanstack/react-virtual` (15 KB) measures rows of any height.
 */
export interface RowWindow {
  first: number;
  /** One past the last. */
  end: number;
}

const overscan = 8;

export function windowOf(scrollTop: number, viewportHeight: number, rowHeight: number, rows: number): RowWindow {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - overscan);
  const end = Math.min(rows, Math.ceil((scrollTop + viewportHeight) / rowHeight) + overscan);
  return { first: Math.min(first, rows), end: Math.max(end, Math.min(first, rows)) };
}

/** The scroll position that makes `row` visible; the current one where it is visible already. */
export function scrollTopFor(row: number, scrollTop: number, viewportHeight: number, rowHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) {
    return top;
  }
  return Math.max(scrollTop, top + rowHeight - viewportHeight);
}

/** The place of the row at `at` after rows were added; -1 if it is not there. */
export function placeAfter(at: number, before: Uint32Array, rows: Uint32Array): number {
  const row = before[at];
  // Rows that are older than all others were added below.
  return row === undefined ? -1 : rows[at] === row ? at : rows.indexOf(row);
}

/** The scroll position that keeps the reader at the same row after rows were added; the top stays the top. */
export function scrollTopAfter(scrollTop: number, rowHeight: number, before: Uint32Array, rows: Uint32Array): number {
  const first = Math.floor(scrollTop / rowHeight);
  const place = scrollTop > 0 ? placeAfter(first, before, rows) : -1;
  return place < 0 ? scrollTop : scrollTop + (place - first) * rowHeight;
}

/** The row that a key moves to from `active` (-1: none); undefined for other keys. */
export function rowAfterKey(key: string, active: number, page: number, rows: number): number | undefined {
  const last = rows - 1;
  const within = (row: number) => Math.min(last, Math.max(0, row));
  if (last < 0) {
    return undefined;
  }
  switch (key) {
    case 'ArrowDown':
      return within(active + 1);
    case 'ArrowUp':
      return within(active < 0 ? 0 : active - 1);
    case 'PageDown':
      return within(active + page);
    case 'PageUp':
      return within(active - page);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}
