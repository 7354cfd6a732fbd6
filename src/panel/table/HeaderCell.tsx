import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';
import { useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';

import { testIds } from '../testIds';
import { tableText } from '../tableText';
import type { Column } from './columns';

/** Pixels by which Shift with an arrow key moves the edge of a column. */
const keyStep = 16;
/** Pixels after which a press on a header is a drag. */
const dragAfter = 6;

interface Props {
  column: Column;
  /** Position among the columns, from 1. */
  index: number;
  width: number;
  /** Distance in pixels from the left edge of the table, for a pinned column. */
  pinnedAt: number | undefined;
  sorted: 'ascending' | 'descending' | 'none';
  /** The number of places that a drag by `x` pixels moves the column. */
  placeAt(x: number): number;
  onSort(): void;
  onMove(by: number): void;
  onPin(): void;
  /** Called while the edge is dragged. */
  onDrag(width: number): void;
  /** Sets a width; undefined for the usual one. */
  onResize(width: number | undefined): void;
}

/**
 * A column header: sorts by click; moves by drag or by Alt with an arrow key; resizes by its edge or by Shift with an
 * arrow key; is pinned by P.
 */
export function HeaderCell(props: Props) {
  const { column, index, width, pinnedAt, sorted, placeAt, onSort, onMove, onPin, onDrag, onResize } = props;
  const styles = useStyles2(headerStyles);
  const grabbed = useRef<{ x: number; width: number } | undefined>(undefined);
  const pressed = useRef<number | undefined>(undefined);
  const [shift, setShift] = useState(0);
  const wasDragged = useRef(false);

  const onKeyDown = (event: KeyboardEvent) => {
    const direction = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    if (direction !== 0 && event.shiftKey) {
      event.preventDefault();
      onResize(width + direction * keyStep);
    } else if (direction !== 0 && event.altKey) {
      event.preventDefault();
      onMove(direction);
    } else if (event.key.toLowerCase() === 'p' && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      onPin();
    }
  };
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    grabbed.current = { x: event.clientX, width };
    event.currentTarget.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  const widthAt = (event: PointerEvent) => grabbed.current && grabbed.current.width + event.clientX - grabbed.current.x;
  const onPointerMove = (event: PointerEvent) => {
    const now = widthAt(event);
    if (now !== undefined) {
      onDrag(now);
    }
  };
  const onPointerUp = (event: PointerEvent) => {
    const now = widthAt(event);
    const moved = grabbed.current !== undefined && grabbed.current.x !== event.clientX;
    grabbed.current = undefined;
    if (now !== undefined && moved) {
      onResize(now);
    }
  };
  const release = (event: PointerEvent) => {
    const from = pressed.current;
    pressed.current = undefined;
    setShift(0);
    if (from !== undefined && wasDragged.current && event.type === 'pointerup') {
      const by = placeAt(event.clientX - from);
      if (by !== 0) {
        onMove(by);
      }
    }
  };

  return (
    <div
      role="columnheader"
      aria-colindex={index}
      aria-sort={sorted}
      className={cx(styles.cell, pinnedAt !== undefined && styles.pinned, shift !== 0 && styles.dragged)}
      style={{ width, left: pinnedAt, ...(shift !== 0 && { transform: `translateX(${shift}px)` }) }}
    >
      <button
        type="button"
        className={cx(styles.button, column.numeric && styles.numeric)}
        title={tableText.grid.sort(column.title)}
        aria-keyshortcuts="Shift+ArrowLeft Shift+ArrowRight Alt+ArrowLeft Alt+ArrowRight P"
        onClick={() => {
          if (!wasDragged.current) {
            onSort();
          }
          wasDragged.current = false;
        }}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (event.button === 0) {
            pressed.current = event.clientX;
            wasDragged.current = false;
            event.currentTarget.setPointerCapture?.(event.pointerId);
          }
        }}
        onPointerMove={(event) => {
          const x = pressed.current === undefined ? 0 : event.clientX - pressed.current;
          wasDragged.current ||= Math.abs(x) >= dragAfter;
          if (wasDragged.current && pressed.current !== undefined) {
            setShift(x);
          }
        }}
        onPointerUp={release}
        onPointerCancel={release}
        data-testid={testIds.header(column.id)}
      >
        {pinnedAt !== undefined && <Icon name="lock" size="xs" title={tableText.grid.pinned} />}
        <span className={styles.title}>{column.title}</span>
        {sorted !== 'none' && <Icon name={sorted === 'ascending' ? 'arrow-up' : 'arrow-down'} size="sm" />}
      </button>
      <div
        className={styles.edge}
        title={tableText.grid.resize}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        onDoubleClick={() => onResize(undefined)}
        data-testid={testIds.resize(column.id)}
      />
    </div>
  );
}

function headerStyles(theme: GrafanaTheme2) {
  return {
    cell: css({ flex: 'none', position: 'relative', display: 'flex', minWidth: 0 }),
    pinned: css({ position: 'sticky', zIndex: 2, background: theme.colors.background.primary }),
    dragged: css({ zIndex: 3, opacity: 0.8, background: theme.colors.background.secondary }),
    button: css({
      all: 'unset',
      boxSizing: 'border-box',
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(0.5),
      width: '100%',
      minWidth: 0,
      padding: theme.spacing(0, 1),
      cursor: 'pointer',
      touchAction: 'pan-y',
      fontWeight: theme.typography.fontWeightMedium,
      color: theme.colors.text.secondary,
      '&:hover': { color: theme.colors.text.primary },
      '&:focus-visible': { outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: '-2px' },
      '[role="columnheader"]:first-of-type > &': { paddingLeft: theme.spacing(1.5) },
    }),
    numeric: css({ justifyContent: 'flex-end' }),
    title: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
    edge: css({
      position: 'absolute',
      right: -4,
      top: 0,
      bottom: 0,
      width: 8,
      zIndex: 1,
      cursor: 'col-resize',
      touchAction: 'none',
      '&::after': {
        content: '""',
        position: 'absolute',
        left: 3,
        top: '25%',
        bottom: '25%',
        width: 1,
        background: theme.colors.border.medium,
      },
      '&:hover::after': { top: 0, bottom: 0, width: 2, background: theme.colors.primary.main },
    }),
  };
}
