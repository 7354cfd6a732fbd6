import { AppEvents, type PanelData, type TimeRange, type TimeZone } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { usePanelContext } from '@grafana/ui';
import { useMemo, useState, type ReactNode } from 'react';

import { conditionOf } from './cellFilter';
import { CellMenu } from './CellMenu';
import { copyText } from './download';
import { messageOf, type FileFormat, type FlowBatch, type FlowValues } from './engine/protocol';
import { filterInExplore } from './explorePanes';
import type { FlowsModel } from './FlowsModel';
import { queryOf } from './frames';
import { isInExplore } from './lastMinutes';
import { sourcesOf } from './policies/fetchPolicies';
import { cellText } from './table/cells';
import type { Column } from './table/columns';
import type { GridTarget } from './table/FlowGrid';
import { tableText } from './tableText';

interface Given {
  model: FlowsModel;
  batch: FlowBatch | undefined;
  columns: readonly Column[];
  data: PanelData;
  timeRange: TimeRange;
  timeZone: TimeZone;
}

interface CellActions {
  filter(column: Column, row: number, excluded: boolean): void;
  copy(target: Pick<GridTarget, 'row' | 'column' | 'rows'>): void;
  openMenu(target: GridTarget): void;
  /** The open menu. */
  menu: ReactNode;
}

/** What a user does with a cell: filter, copy, open. */
export function useCellActions({ model, batch, columns, data, timeRange, timeZone }: Given): CellActions {
  const { onAddAdHocFilter } = usePanelContext();
  const [opened, setOpened] = useState<{ target: GridTarget; values?: FlowValues; batch: FlowBatch }>();
  const seconds = useMemo(() => new Map<number, string>(), []);

  const valueOf = (column: Column, row: number) =>
    batch ? cellText(batch, column.id, row, { timeZone, withDate: true, seconds }) : '';

  const filter = (column: Column, row: number, excluded: boolean) => {
    const value = valueOf(column, row);
    // With other flows, the row would be another.
    model.values(row).then(
      (values) => {
        const condition = conditionOf(column.id, values);
        if (condition && isInExplore()) {
          const { from, to } = timeRange.raw;
          const range = { from: timeOf(from), to: timeOf(to) };
          if (filterInExplore(queryOf(data.series), range, condition, excluded)) {
            return;
          }
        } else if (condition && onAddAdHocFilter) {
          onAddAdHocFilter({ ...condition, operator: excluded ? '!=' : '=' });
          return;
        }
        model.toggleCondition({ column: column.id, value, excluded });
      },
      (error: unknown) => fail(tableText.cell.filterFailed, error)
    );
  };

  const copyRows = (format: FileFormat, rows: Uint32Array) =>
    void model.file(format, columns, rows).then(
      (bytes) => copied(new TextDecoder().decode(bytes)),
      (error: unknown) => fail(tableText.cell.copyFailed, error)
    );

  const copy = ({ row, column, rows }: Pick<GridTarget, 'row' | 'column' | 'rows'>) => {
    if (column) {
      copied(valueOf(column, row));
    } else {
      copyRows('tabs', rows);
    }
  };

  const openMenu = (target: GridTarget) => {
    if (!batch) {
      return;
    }
    setOpened({ target, batch });
    model.values(target.row).then(
      (values) => setOpened((now) => (now?.target === target ? { ...now, values } : now)),
      // The menu works without them, with fewer entries.
      () => undefined
    );
  };

  // Rows of other flows have other numbers.
  const shown = opened && opened.batch === batch ? opened : undefined;
  const { target, values } = shown ?? {};
  const { column } = target ?? {};
  return {
    filter,
    copy,
    openMenu,
    menu: target && (
      <CellMenu
        at={target.at}
        cell={column && { column: column.id, value: valueOf(column, target.row) }}
        flows={target.rows.length}
        values={values}
        source={sourcesOf(data.request, data.series)[0]}
        timeRange={timeRange}
        onFilter={(excluded) => column && filter(column, target.row, excluded)}
        onCopy={copied}
        onCopyRows={(format) => copyRows(format, target.rows)}
        onOpen={() => model.openDetail(target.row)}
        onClose={() => setOpened(undefined)}
      />
    ),
  };
}

function copied(what: string): void {
  copyText(what).then(
    () => getAppEvents().publish({ type: AppEvents.alertSuccess.name, payload: [tableText.cell.copied] }),
    (error: unknown) => fail(tableText.cell.copyFailed, error)
  );
}

function fail(title: string, error: unknown): void {
  getAppEvents().publish({ type: AppEvents.alertError.name, payload: [title, messageOf(error)] });
}

function timeOf(time: TimeRange['raw']['from']): string {
  return typeof time === 'string' ? time : String(time.valueOf());
}
