import { cx } from '@emotion/css';
import { type TimeZone } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';

import type { ColumnId, FlowBatch, ViewSpec } from '../engine/protocol';
import { testIds } from '../testIds';
import { text } from '../text';
import { toneOf, toneOfAgreement } from '../verdicts';
import { cellText, emptyColumns, fullTimeText, spansDays, type TimeFormat } from './cells';
import { clampWidth, layoutColumns, shrunk, type Column } from './columns';
import { gridStyles } from './FlowGrid.styles';
import { HeaderCell } from './HeaderCell';
import { placeAfter, rowAfterKey, scrollTopAfter, scrollTopFor, windowOf } from './rows';

interface Props {
  /** Whether a flow is open in the drawer. When it closes, the table gets the focus back. */
  isFlowOpen: boolean;
  batch: FlowBatch;
  /** Row numbers of the batch in the order of the table. */
  rows: Uint32Array;
  /** Changes when the rows are others or in another order, and not when rows are added. */
  rowsOf: number;
  columns: readonly Column[];
  widths: Partial<Record<ColumnId, number>> | undefined;
  rowHeight: number;
  timeZone: TimeZone;
  sort: Pick<ViewSpec, 'sort' | 'descending'>;
  onSort(column: ColumnId): void;
  onResize(column: ColumnId, width: number): void;
  onOpen(row: number): void;
}

/**
 * The table of flows. It draws only the visible rows, straight from typed arrays and dictionaries; Grafana's `Table`
 * needs a string or number per cell, 1.9 million for 100,000 flows of 19 columns.
 */
export function FlowGrid({
  isFlowOpen,
  batch,
  rows,
  rowsOf,
  columns,
  widths,
  rowHeight,
  timeZone,
  sort,
  onSort,
  onResize,
  onOpen,
}: Props) {
  const styles = useStyles2(gridStyles);
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const wasFlowOpen = useRef(isFlowOpen);
  const [viewport, setViewport] = useState({ width: 0, height: 0 });
  const [scrollTop, setScrollTop] = useState(0);
  const [active, setActive] = useState({ rows, at: -1 });
  const [dragged, setDragged] = useState<{ column: ColumnId; width: number }>();

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) {
      return;
    }
    const measure = () => setViewport({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // With other rows the active row is elsewhere.
  const activeRow = active.rows === rows ? active.at : -1;
  const setActiveRow = (at: number) => setActive({ rows, at });
  const shown = useRef({ rows, rowsOf });
  useLayoutEffect(() => {
    const before = shown.current;
    shown.current = { rows, rowsOf };
    const element = scroller.current;
    if (!element || before.rows === rows) {
      return;
    }
    if (before.rowsOf !== rowsOf) {
      element.scrollTop = 0;
      return;
    }
    // Rows were added: the reader goes on where they are, at the top or at the same row.
    element.scrollTop = scrollTopAfter(element.scrollTop, rowHeight, before.rows, rows);
    setActive((active) =>
      active.rows === before.rows && active.at >= 0 ? { rows, at: placeAfter(active.at, before.rows, rows) } : active
    );
  }, [rows, rowsOf, rowHeight]);

  useEffect(() => {
    if (wasFlowOpen.current && !isFlowOpen) {
      scroller.current?.focus({ preventScroll: true });
    }
    wasFlowOpen.current = isFlowOpen;
  }, [isFlowOpen]);

  const time: TimeFormat = useMemo(() => ({ timeZone, withDate: spansDays(batch, timeZone) }), [batch, timeZone]);
  const empty = useMemo(() => emptyColumns(batch), [batch]);
  const fitting = columns.map((column) => {
    const roomy = column.id === 'time' && time.withDate ? withDate(column) : column;
    return empty.has(column.id) ? shrunk(roomy) : roomy;
  });
  const widthsNow = dragged ? { ...widths, [dragged.column]: dragged.width } : widths;
  const pixels = layoutColumns(fitting, widthsNow, viewport.width);
  const total = pixels.reduce((sum, width) => sum + width, 0);
  const bodyHeight = Math.max(0, viewport.height - rowHeight);
  const { first, end } = windowOf(scrollTop, bodyHeight, rowHeight, rows.length);
  const rowId = (at: number) => `${id}-row-${at}`;

  const goTo = (at: number) => {
    setActiveRow(at);
    const element = scroller.current;
    if (element) {
      element.scrollTop = scrollTopFor(at, element.scrollTop, bodyHeight, rowHeight);
    }
  };

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== scroller.current || event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    const chosen = rows[activeRow];
    if (event.key === 'Enter' && chosen !== undefined) {
      event.preventDefault();
      onOpen(chosen);
      return;
    }
    if (event.key === 'Escape') {
      setActiveRow(-1);
      return;
    }
    const at = rowAfterKey(event.key, activeRow, Math.max(1, Math.floor(bodyHeight / rowHeight) - 1), rows.length);
    if (at !== undefined) {
      event.preventDefault();
      goTo(at);
    }
  };

  const drawn = Array.from({ length: end - first }, (_, at) => first + at);
  return (
    <div
      ref={scroller}
      className={styles.grid}
      role="grid"
      aria-label={text.grid.label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-activedescendant={activeRow >= first && activeRow < end ? rowId(activeRow) : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
      data-testid={testIds.grid}
    >
      <div role="rowgroup" className={styles.head} style={{ width: total, height: rowHeight }}>
        <div role="row" aria-rowindex={1} className={styles.headRow}>
          {columns.map((column, at) => (
            <HeaderCell
              key={column.id}
              column={column}
              index={at + 1}
              width={pixels[at] ?? column.width}
              sorted={sort.sort === column.id ? (sort.descending ? 'descending' : 'ascending') : 'none'}
              onSort={() => onSort(column.id)}
              onDrag={(width) => setDragged({ column: column.id, width: clampWidth(width) })}
              onResize={(width) => {
                setDragged(undefined);
                onResize(column.id, clampWidth(width));
              }}
            />
          ))}
        </div>
      </div>
      <div role="rowgroup" className={styles.body} style={{ width: total, height: rows.length * rowHeight }}>
        {drawn.map((at) => {
          const row = rows[at] ?? 0;
          const verdict = cellText(batch, 'verdict', row, time);
          const tone = toneOf(verdict);
          return (
            <div
              key={at}
              id={rowId(at)}
              role="row"
              aria-rowindex={at + 2}
              aria-selected={at === activeRow}
              className={cx(styles.row, styles.edge[tone], at === activeRow && styles.activeRow)}
              style={{ height: rowHeight, transform: `translateY(${at * rowHeight}px)` }}
              onClick={() => {
                setActiveRow(at);
                onOpen(row);
              }}
              data-testid={testIds.row}
            >
              {columns.map((column, place) => {
                const value = cellText(batch, column.id, row, time);
                return (
                  <div
                    key={column.id}
                    role="gridcell"
                    aria-colindex={place + 1}
                    className={cx(
                      styles.cell,
                      column.numeric && styles.numeric,
                      column.id === 'time' && styles.time,
                      column.id === 'verdict' && styles.verdict,
                      column.id === 'verdict' && styles.tone[tone],
                      column.id === 'agreement' && styles.tone[toneOfAgreement(value)]
                    )}
                    style={{ width: pixels[place] }}
                    title={column.id === 'time' ? fullTimeText(batch, row, timeZone) : value}
                    data-testid={testIds.cell(column.id)}
                  >
                    {value}
                  </div>
                );
              })}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** The time column with room for the date. */
function withDate(column: Column): Column {
  return { ...column, width: column.width + 40 };
}
