import { cx } from '@emotion/css';
import { type TimeZone } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import {
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
} from 'react';

import type { ColumnId, FlowBatch, FlowsView, ViewSpec } from '../engine/protocol';
import { testIds } from '../testIds';
import { tableText } from '../tableText';
import { emptyColumns, fullTimeText, spansDays, type TimeFormat } from './cells';
import { type Column } from './columns';
import { clampWidth, layoutColumns, shrunk } from './layout';
import { gridStyles } from './FlowGrid.styles';
import { GridRow, type CellLook, type RowContext } from './GridRow';
import { HeaderCell } from './HeaderCell';
import { linesOf, nothingOpen, type Opened } from './lines';
import { afterKey, drawnRows, placeAfter, scrollTopAfter, scrollTopFor, windowOf, type Place } from './rows';

/** A cell, or a row where `column` is -1, with the lines that are selected with it. */
export interface GridTarget {
  row: number;
  column: Column | undefined;
  /** The rows of the selected lines: of groups and packets, all records. */
  rows: Uint32Array;
  at: { x: number; y: number };
}

interface Props {
  /** Whether a flow is open in the drawer. When it closes, the table gets the focus back. */
  isFlowOpen: boolean;
  batch: FlowBatch;
  view: FlowsView;
  /** Changes when the rows are others or in another order, and not when rows are added. */
  viewOf: number;
  spec: ViewSpec;
  columns: readonly Column[];
  pinned: readonly ColumnId[];
  widths: Partial<Record<ColumnId, number>> | undefined;
  rowHeight: number;
  timeZone: TimeZone;
  onSort(column: ColumnId): void;
  onResize(column: ColumnId, width: number | undefined): void;
  onMove(column: ColumnId, by: number): void;
  onPin(column: ColumnId): void;
  onOpen(row: number): void;
  onFilter(column: Column, row: number, excluded: boolean): void;
  onMenu(target: GridTarget): void;
  /** Called to copy a cell, or rows where there is no column. */
  onCopy(target: Pick<GridTarget, 'row' | 'column' | 'rows'>): void;
}

/** Room in pixels for the date in the time column, and for the number of records in the first column. */
const dateWidth = 40;
const partsWidth = 44;

const nowhere: Place = { line: -1, column: -1 };

/**
 * The table of flows. It draws only the visible rows, straight from typed arrays and dictionaries; Grafana's `Table`
 * needs a string or number per cell, 1.9 million for 100,000 flows of 19 columns.
 */
export function FlowGrid(props: Props) {
  const { isFlowOpen, batch, view, viewOf, spec, columns, pinned, widths, rowHeight, timeZone } = props;
  const styles = useStyles2(gridStyles);
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const wasFlowOpen = useRef(isFlowOpen);
  const [viewport, setViewport] = useState({ width: 0, height: 0 });
  const [firstInSight, setFirstInSight] = useState(0);
  const [active, setActive] = useState({ view, place: nowhere, anchor: -1 });
  const [hovered, setHovered] = useState<Place>(nowhere);
  const [dragged, setDragged] = useState<{ column: ColumnId; width: number }>();
  const [opened, setOpened] = useState<Opened & { viewOf: number }>({ ...nothingOpen, viewOf });

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

  // Rows of other flows have other numbers; rows that are added leave those of the others.
  const open = opened.viewOf === viewOf ? opened : nothingOpen;
  const lines = useMemo(() => linesOf(view, open), [view, open]);
  // With other rows the active row is elsewhere.
  const { place, anchor } = active.view === view ? active : { place: nowhere, anchor: -1 };
  const shown = useRef({ view, viewOf, lines });
  useLayoutEffect(() => {
    const before = shown.current;
    shown.current = { view, viewOf, lines };
    const element = scroller.current;
    if (!element || before.lines === lines) {
      return;
    }
    if (before.viewOf !== viewOf) {
      element.scrollTop = 0;
      return;
    }
    // Lines were added: the reader goes on where they are, at the top or at the same line.
    element.scrollTop = scrollTopAfter(element.scrollTop, rowHeight, before.lines, lines);
    setActive((active) =>
      active.view === before.view && before.view !== view && active.place.line >= 0
        ? { view, place: { ...active.place, line: placeAfter(active.place.line, before.lines, lines) }, anchor: -1 }
        : active
    );
  }, [view, viewOf, lines, rowHeight]);

  useEffect(() => {
    if (wasFlowOpen.current && !isFlowOpen) {
      scroller.current?.focus({ preventScroll: true });
    }
    wasFlowOpen.current = isFlowOpen;
  }, [isFlowOpen]);

  const time: TimeFormat = useMemo(
    () => ({ timeZone, withDate: spansDays(batch, timeZone), seconds: new Map() }),
    [batch, timeZone]
  );
  const empty = useMemo(() => emptyColumns(batch), [batch]);
  const isTree = view.packetEnds.length > 0 || view.groups !== undefined;
  const pixels = useMemo(() => {
    const fitting = columns.map((column, at) => {
      const extra = (column.id === 'time' && time.withDate ? dateWidth : 0) + (at === 0 && isTree ? partsWidth : 0);
      const roomy = extra > 0 ? { ...column, width: column.width + extra } : column;
      return empty.has(column.id) ? shrunk(roomy) : roomy;
    });
    const widthsNow = dragged ? { ...widths, [dragged.column]: dragged.width } : widths;
    return layoutColumns(fitting, widthsNow, viewport.width);
  }, [columns, time, empty, widths, dragged, viewport.width, isTree]);
  const total = sumOf(pixels);
  const looks: CellLook[] = useMemo(
    () =>
      columns.map((column, at) => {
        const isPinned = pinned.includes(column.id);
        const isLastPinned = isPinned && !pinned.includes(columns[at + 1]?.id ?? 'time');
        return {
          className: cx(
            styles.cell,
            column.numeric && styles.numeric,
            column.id === 'time' && styles.time,
            column.id === 'verdict' && styles.verdict,
            isPinned && styles.pinned,
            isLastPinned && styles.pinnedEdge
          ),
          style: { width: pixels[at], ...(isPinned && { left: sumOf(pixels.slice(0, at)) }) },
        };
      }),
    [columns, pinned, pixels, styles]
  );

  const bodyHeight = Math.max(0, viewport.height - rowHeight);
  const slots = drawnRows(bodyHeight, rowHeight);
  const { first, end } = windowOf(firstInSight, slots, lines.count);
  const rowId = useCallback((line: number) => `${id}-row-${line}`, [id]);
  const cellId = useCallback((line: number, column: number) => `${id}-cell-${line}-${column}`, [id]);

  const selection: [number, number] | undefined =
    place.line < 0
      ? undefined
      : anchor < 0
        ? [place.line, place.line]
        : ([anchor, place.line].sort((a, b) => a - b) as [number, number]);
  const isInSelection = (line: number) =>
    anchor >= 0 && selection !== undefined && line >= selection[0] && line <= selection[1];

  const goTo = (next: Place, keepsAnchor = false) => {
    const from = keepsAnchor ? (anchor < 0 ? Math.max(0, place.line) : anchor) : -1;
    setActive({ view, place: next, anchor: from });
    const element = scroller.current;
    if (!element) {
      return;
    }
    element.scrollTop = scrollTopFor(next.line, element.scrollTop, bodyHeight, rowHeight);
    const before = sumOf(pixels.slice(0, Math.max(0, next.column)));
    if (next.column >= 0 && !pinned.includes(columns[next.column]?.id ?? 'time')) {
      const covered = columns.reduce(
        (sum, column, at) => sum + (pinned.includes(column.id) ? (pixels[at] ?? 0) : 0),
        0
      );
      const width = pixels[next.column] ?? 0;
      if (before - covered < element.scrollLeft) {
        element.scrollLeft = before - covered;
      } else if (before + width > element.scrollLeft + viewport.width) {
        element.scrollLeft = before + width - viewport.width;
      }
    }
  };

  const toggle = (line: number, wanted?: boolean) => {
    const found = lines.at(line);
    if (!found || found.kind === 'part' || (found.kind === 'packet' && found.parts < 2) || found.isOpen === wanted) {
      return;
    }
    const kind = found.kind === 'group' ? 'groups' : 'packets';
    const changed = new Set(open[kind]);
    if (!changed.delete(found.row)) {
      changed.add(found.row);
    }
    setOpened({ ...open, [kind]: changed, viewOf });
  };

  const targetOf = (line: number, column: number, at = { x: 0, y: 0 }): GridTarget | undefined => {
    const found = lines.at(line);
    const [from, to] = isInSelection(line) && selection ? selection : [line, line];
    return (
      found && {
        row: found.row,
        column: found.kind === 'group' ? undefined : columns[column],
        rows: lines.rows(from, to),
        at,
      }
    );
  };

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== scroller.current || event.altKey) {
      return;
    }
    const line = lines.at(place.line);
    const isCommand = event.ctrlKey || event.metaKey;
    const done = () => event.preventDefault();
    if (isCommand && event.key.toLowerCase() === 'a' && lines.count > 0) {
      done();
      setActive({ view, place: { line: lines.count - 1, column: -1 }, anchor: 0 });
      return;
    }
    if (isCommand && event.key.toLowerCase() === 'c') {
      const target = targetOf(place.line, place.column);
      // A text that is selected with the pointer is what the browser copies.
      if (target && (window.getSelection()?.isCollapsed ?? true)) {
        done();
        props.onCopy(target);
      }
      return;
    }
    if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) {
      const element = document.getElementById(place.column < 0 ? rowId(place.line) : cellId(place.line, place.column));
      const box = element?.getBoundingClientRect();
      const target = box && targetOf(place.line, place.column, { x: Math.max(0, box.left), y: box.bottom });
      if (target) {
        done();
        props.onMenu(target);
      }
      return;
    }
    if (isCommand && event.key !== 'Home' && event.key !== 'End') {
      return;
    }
    if (event.key === 'Enter' && line) {
      done();
      if (line.kind === 'group') {
        toggle(place.line);
      } else {
        props.onOpen(line.row);
      }
      return;
    }
    if (event.key === ' ' && line) {
      done();
      toggle(place.line);
      return;
    }
    if ((event.key === '+' || event.key === '-') && line && line.kind !== 'group' && columns[place.column]) {
      done();
      props.onFilter(columns[place.column]!, line.row, event.key === '-');
      return;
    }
    if (event.key === 'Escape') {
      setActive({ view, place: nowhere, anchor: -1 });
      return;
    }
    // From the whole row, an arrow opens or closes it before it moves, as in a tree.
    if (place.column < 0 && line && line.kind !== 'part') {
      const canOpen = line.kind === 'group' || line.parts > 1;
      if (canOpen && event.key === 'ArrowRight' && !line.isOpen) {
        done();
        toggle(place.line, true);
        return;
      }
      if (canOpen && event.key === 'ArrowLeft' && line.isOpen) {
        done();
        toggle(place.line, false);
        return;
      }
    }
    const page = Math.max(1, Math.floor(bodyHeight / rowHeight) - 1);
    const size = { page, lines: lines.count, columns: line?.kind === 'group' ? 0 : columns.length };
    const next = afterKey(event.key, place, size, isCommand);
    if (next) {
      done();
      goTo(next, event.shiftKey && next.line !== place.line);
    }
  };

  const placeOfEvent = (event: MouseEvent): Place => {
    const element = event.target as Element;
    const row = element.closest('[role="row"]');
    const column = Number(element.closest('[role="gridcell"]')?.getAttribute('aria-colindex') ?? 0) - 1;
    return row ? { line: Number(row.getAttribute('aria-rowindex')) - 2, column } : nowhere;
  };

  const onClick = (event: MouseEvent) => {
    const clicked = placeOfEvent(event);
    const line = lines.at(clicked.line);
    if (!line) {
      return;
    }
    if (event.shiftKey) {
      setActive({ view, place: { ...clicked, column: -1 }, anchor: anchor < 0 ? Math.max(0, place.line) : anchor });
      return;
    }
    setActive({ view, place: { line: clicked.line, column: -1 }, anchor: -1 });
    // A click that ends a selection of text opens nothing.
    if (!(window.getSelection()?.isCollapsed ?? true)) {
      return;
    }
    if (line.kind === 'group') {
      toggle(clicked.line);
    } else {
      props.onOpen(line.row);
    }
  };

  const onPointerOver = (event: MouseEvent) => {
    const over = placeOfEvent(event);
    setHovered((before) => (before.line === over.line && before.column === over.column ? before : over));
    const cell = (event.target as Element).closest<HTMLElement>('[role="gridcell"]');
    const line = lines.at(over.line);
    const column = columns[over.column];
    if (cell && line && line.kind !== 'group' && column) {
      // One tooltip at a time: texts for all cells would be made anew for every row that scrolls by.
      cell.title = column.id === 'time' ? fullTimeText(batch.timesMs[line.row], time) : (cell.textContent ?? '');
    }
  };

  const act = useRef({ toggle, targetOf, props, lines, columns });
  useLayoutEffect(() => {
    act.current = { toggle, targetOf, props, lines, columns };
  });
  const context: RowContext = useMemo(
    () => ({
      batch,
      groups: view.groups,
      groupBy: spec.groupBy,
      columns,
      cells: looks,
      classes: styles,
      rowHeight,
      time,
      flowsOf: lines.flowsOf,
      rowId,
      cellId,
      onToggle: (line) => act.current.toggle(line),
      onFilter: (line, at, excluded) => {
        const { lines, columns, props } = act.current;
        const [found, column] = [lines.at(line), columns[at]];
        if (found && column) {
          props.onFilter(column, found.row, excluded);
        }
      },
      onMenu: (line, column, at) => {
        const target = act.current.targetOf(line, column, at);
        if (target) {
          act.current.props.onMenu(target);
        }
      },
    }),
    [batch, view.groups, spec.groupBy, columns, looks, styles, rowHeight, time, lines.flowsOf, rowId, cellId]
  );

  const isActiveDrawn = place.line >= first && place.line < end;
  return (
    <div
      ref={scroller}
      className={styles.grid}
      role={isTree ? 'treegrid' : 'grid'}
      aria-label={tableText.grid.label}
      aria-rowcount={lines.count + 1}
      aria-colcount={columns.length}
      aria-multiselectable
      aria-activedescendant={
        isActiveDrawn ? (place.column < 0 ? rowId(place.line) : cellId(place.line, place.column)) : undefined
      }
      tabIndex={0}
      onKeyDown={onKeyDown}
      onClick={onClick}
      onMouseOver={onPointerOver}
      onMouseLeave={() => setHovered(nowhere)}
      onScroll={(event) => setFirstInSight(Math.floor(event.currentTarget.scrollTop / rowHeight))}
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
              pinnedAt={looks[at]?.style.left}
              sorted={spec.sort === column.id ? (spec.descending ? 'descending' : 'ascending') : 'none'}
              placeAt={(x) => placeAfterDrag(pixels, at, x)}
              onSort={() => props.onSort(column.id)}
              onMove={(by) => props.onMove(column.id, by)}
              onPin={() => props.onPin(column.id)}
              onDrag={(width) => setDragged({ column: column.id, width: clampWidth(width) })}
              onResize={(width) => {
                setDragged(undefined);
                props.onResize(column.id, width === undefined ? undefined : clampWidth(width));
              }}
            />
          ))}
        </div>
      </div>
      <div role="rowgroup" className={styles.body} style={{ width: total, height: lines.count * rowHeight }}>
        {Array.from({ length: end - first }, (_, drawn) => first + drawn).map((at) => {
          const line = lines.at(at);
          return (
            line && (
              <GridRow
                // Rows that leave make place for those that come.
                key={at % slots}
                context={context}
                at={at}
                line={line}
                isActive={at === place.line}
                activeColumn={at === place.line ? place.column : -1}
                isSelected={isInSelection(at)}
                hovered={at === hovered.line ? hovered.column : -1}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

/** The number of places that a column moves when its header is dragged by `x` pixels. */
function placeAfterDrag(pixels: readonly number[], from: number, x: number): number {
  let by = 0;
  let left = Math.abs(x);
  const step = x < 0 ? -1 : 1;
  for (let at = from + step; at >= 0 && at < pixels.length; at += step) {
    const width = pixels[at] ?? 0;
    if (left < width / 2) {
      break;
    }
    left -= width;
    by += step;
  }
  return by;
}

function sumOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0);
}
