import { defaultColumns, type ColumnId } from './table/columns';

/** How much room a row takes. */
export type RowDensity = 'compact' | 'normal' | 'comfortable';

/** Whose clock the time column shows. */
export type TimeColumnZone = 'dashboard' | 'browser' | 'utc';

export interface FlowsPanelOptions {
  columns: ColumnId[];
  timeColumnZone: TimeColumnZone;
  density: RowDensity;
  /** Of policies that name none; before what the data source says. */
  policiesNamespace?: string;
  /** Widths in pixels of the columns that were resized by hand. */
  columnWidths?: Partial<Record<ColumnId, number>>;
}

export const defaultOptions: FlowsPanelOptions = {
  columns: defaultColumns,
  timeColumnZone: 'dashboard',
  density: 'normal',
};

/** Height of a row in pixels. */
export const rowHeights: Record<RowDensity, number> = { compact: 22, normal: 28, comfortable: 36 };
