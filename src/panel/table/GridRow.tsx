import { cx } from '@emotion/css';
import { IconButton } from '@grafana/ui';
import { memo } from 'react';

import type { ColumnId, FlowBatch, FlowGroups } from '../engine/protocol';
import { testIds } from '../testIds';
import { tableText } from '../tableText';
import { toneOf, toneOfAgreement } from '../verdicts';
import { cellText, fullTimeText, type TimeFormat } from './cells';
import { titleOf, type Column } from './columns';
import type { GridClasses } from './FlowGrid.styles';
import type { Line } from './lines';

/** What all rows of a table have in common; the same object until something changes. */
export interface RowContext {
  batch: FlowBatch;
  groups: FlowGroups | undefined;
  groupBy: readonly ColumnId[];
  columns: readonly Column[];
  /** The style of the cells of each column, and of the actions in it. */
  cells: readonly CellLook[];
  classes: GridClasses;
  rowHeight: number;
  time: TimeFormat;
  flowsOf(group: number): number;
  rowId(line: number): string;
  cellId(line: number, column: number): string;
  onToggle(line: number): void;
  onFilter(line: number, column: number, excluded: boolean): void;
  onMenu(line: number, column: number, at: { x: number; y: number }): void;
}

export interface CellLook {
  className: string;
  style: { width: number | undefined; left?: number };
}

interface Props {
  context: RowContext;
  at: number;
  line: Line;
  /** Whether the row, or one of its cells, has the keyboard's focus. */
  isActive: boolean;
  /** The column of the cell with the keyboard's focus, from 0; -1 for the row. */
  activeColumn: number;
  isSelected: boolean;
  /** The column of the cell below the pointer, from 0; -1 for none. */
  hovered: number;
}

/** A line of the table. Lines that stay in sight are not drawn again while the table scrolls. */
export const GridRow = memo(function GridRow(props: Props) {
  const { context, at, line, isActive, isSelected } = props;
  const { classes, rowHeight, rowId, batch, time } = context;
  const common = {
    id: rowId(at),
    role: 'row',
    'aria-rowindex': at + 2,
    'aria-selected': isSelected || isActive,
    style: { height: rowHeight, lineHeight: `${rowHeight - 1}px`, transform: `translateY(${at * rowHeight}px)` },
  };
  if (line.kind === 'group') {
    return (
      <div
        {...common}
        aria-level={1}
        aria-expanded={line.isOpen}
        className={cx(classes.row, classes.group, (isActive || isSelected) && classes.activeRow)}
        data-testid={testIds.group}
      >
        <GroupCell context={context} at={at} line={line} />
      </div>
    );
  }
  const tone = toneOf(cellText(batch, 'verdict', line.row, time));
  const hasParts = line.kind === 'packet' && line.parts > 1;
  return (
    <div
      {...common}
      aria-level={line.level}
      aria-expanded={hasParts ? line.isOpen : undefined}
      className={cx(
        classes.row,
        classes.edge[tone],
        line.kind === 'part' && classes.part,
        (isActive || isSelected) && classes.activeRow
      )}
      data-testid={testIds.row}
    >
      {context.columns.map((column, place) => (
        <Cell key={column.id} {...props} column={column} place={place} />
      ))}
    </div>
  );
});

/** The keys, number of flows, drop ratio, and first and last time of a group. */
function GroupCell({ context, at, line }: { context: RowContext; at: number; line: Line & { kind: 'group' } }) {
  const { batch, groups, groupBy, time, classes, columns } = context;
  const flows = context.flowsOf(line.group);
  const dropped = groups?.dropped[line.group] ?? 0;
  const whole: TimeFormat = time;
  const timeOf = (times: Float64Array | undefined) => fullTimeText(times?.[line.group], whole);
  const [first, last] = [timeOf(groups?.firstMs), timeOf(groups?.lastMs)];
  const keys = groupBy.map(
    (column) => cellText(batch, column, line.row, time) || tableText.grid.emptyKey(titleOf(column))
  );
  return (
    <div role="gridcell" aria-colindex={1} aria-colspan={columns.length} className={classes.groupCell}>
      <Expander isOpen={line.isOpen} label={keys.join(', ')} onToggle={() => context.onToggle(at)} />
      <span className={classes.groupKeys}>{keys.join(' · ')}</span>
      <span className={classes.groupFacts}>
        {tableText.grid.flows(flows)}
        {' · '}
        <span className={dropped > 0 ? classes.bad : undefined}>{tableText.grid.dropped(dropped, flows)}</span>
        {first !== '' && ` · ${first === last ? first : tableText.grid.seen(first, last)}`}
      </span>
    </div>
  );
}

function Expander({ isOpen, label, onToggle }: { isOpen: boolean; label: string; onToggle(): void }) {
  return (
    <IconButton
      name={isOpen ? 'angle-down' : 'angle-right'}
      size="sm"
      tabIndex={-1}
      aria-label={isOpen ? tableText.grid.close(label) : tableText.grid.open(label)}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
      data-testid={testIds.expand}
    />
  );
}

interface CellProps extends Props {
  column: Column;
  place: number;
}

function Cell({ context, at, line, isActive, activeColumn, hovered, column, place }: CellProps) {
  const { batch, time, classes, cells } = context;
  const look = cells[place];
  const value = cellText(batch, column.id, line.row, time);
  const isActiveCell = isActive && activeColumn === place;
  const toned =
    column.id === 'verdict'
      ? classes.tone[toneOf(value)]
      : column.id === 'agreement'
        ? classes.tone[toneOfAgreement(value)]
        : undefined;
  const hasActions = hovered === place || isActiveCell;
  return (
    <div
      id={context.cellId(at, place)}
      role="gridcell"
      aria-colindex={place + 1}
      className={
        toned || isActiveCell ? cx(look?.className, toned, isActiveCell && classes.activeCell) : look?.className
      }
      style={look?.style}
      data-testid={testIds.cell(column.id)}
    >
      {place === 0 && line.kind === 'packet' && line.parts > 1 && (
        <span className={classes.parts}>
          <Expander
            isOpen={line.isOpen}
            label={tableText.grid.records(line.parts)}
            onToggle={() => context.onToggle(at)}
          />
          <span title={tableText.grid.records(line.parts)}>×{line.parts}</span>
        </span>
      )}
      {value}
      {hasActions && <CellActions context={context} at={at} column={column} place={place} value={value} />}
    </div>
  );
}

interface ActionsProps {
  context: RowContext;
  at: number;
  column: Column;
  place: number;
  value: string;
}

/** The buttons on a cell. The keyboard has keys of its own for them, so none takes the focus from the table. */
function CellActions({ context, at, column, place, value }: ActionsProps) {
  const { classes, onFilter, onMenu } = context;
  const shown = value === '' ? tableText.cell.empty : value;
  return (
    <span className={classes.actions} data-testid={testIds.cellActions}>
      {column.id !== 'time' && (
        <>
          <IconButton
            name="search-plus"
            size="sm"
            tabIndex={-1}
            tooltip={tableText.cell.filterFor(shown)}
            onClick={(event) => {
              event.stopPropagation();
              onFilter(at, place, false);
            }}
            data-testid={testIds.filterFor}
          />
          <IconButton
            name="search-minus"
            size="sm"
            tabIndex={-1}
            tooltip={tableText.cell.filterOut(shown)}
            onClick={(event) => {
              event.stopPropagation();
              onFilter(at, place, true);
            }}
            data-testid={testIds.filterOut}
          />
        </>
      )}
      <IconButton
        name="ellipsis-v"
        size="sm"
        tabIndex={-1}
        tooltip={tableText.cell.more}
        onClick={(event) => {
          event.stopPropagation();
          const { left, bottom } = event.currentTarget.getBoundingClientRect();
          onMenu(at, place, { x: left, y: bottom });
        }}
        data-testid={testIds.cellMenu}
      />
    </span>
  );
}
