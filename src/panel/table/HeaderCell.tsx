import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';
import { useRef, type KeyboardEvent, type PointerEvent } from 'react';

import { testIds } from '../testIds';
import { text } from '../text';
import type { Column } from './columns';

/** Pixels by which Shift with an arrow key moves the edge of a column. */
const keyStep = 16;

interface Props {
  column: Column;
  /** Position among the columns, from 1. */
  index: number;
  width: number;
  sorted: 'ascending' | 'descending' | 'none';
  onSort(): void;
  /** Called while the edge is dragged. */
  onDrag(width: number): void;
  onResize(width: number): void;
}

/** A column header: sorts by click, resizes by drag or by Shift with an arrow key. */
export function HeaderCell({ column, index, width, sorted, onSort, onDrag, onResize }: Props) {
  const styles = useStyles2(headerStyles);
  const grabbed = useRef<{ x: number; width: number } | undefined>(undefined);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.shiftKey && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      event.preventDefault();
      onResize(width + (event.key === 'ArrowLeft' ? -keyStep : keyStep));
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
    grabbed.current = undefined;
    if (now !== undefined) {
      onResize(now);
    }
  };

  return (
    <div role="columnheader" aria-colindex={index} aria-sort={sorted} className={styles.cell} style={{ width }}>
      <button
        type="button"
        className={cx(styles.button, column.numeric && styles.numeric)}
        title={text.grid.sort(column.title)}
        aria-keyshortcuts="Shift+ArrowLeft Shift+ArrowRight"
        onClick={onSort}
        onKeyDown={onKeyDown}
        data-testid={testIds.header(column.id)}
      >
        <span className={styles.title}>{column.title}</span>
        {sorted !== 'none' && <Icon name={sorted === 'ascending' ? 'arrow-up' : 'arrow-down'} size="sm" />}
      </button>
      <div
        className={styles.edge}
        title={text.grid.resize}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        data-testid={testIds.resize(column.id)}
      />
    </div>
  );
}

function headerStyles(theme: GrafanaTheme2) {
  return {
    cell: css({ flex: 'none', position: 'relative', display: 'flex', minWidth: 0 }),
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
