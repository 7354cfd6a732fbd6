import type { ColumnId } from './engine/protocol';
import { defaultColumns } from './table/columns';

/** The height of a row. */
export type RowDensity = 'compact' | 'normal' | 'comfortable';

/** The time zone of the time column. */
export type TimeColumnZone = 'dashboard' | 'browser' | 'utc';

export interface FlowsPanelOptions {
  columns: ColumnId[];
  timeColumnZone: TimeColumnZone;
  density: RowDensity;
  /** The namespace of policies without one. Overrides the data source's setting. */
  policiesNamespace?: string;
  /** Widths in pixels of the columns that the user resized. */
  columnWidths?: Partial<Record<ColumnId, number>>;
}

export const defaultOptions: FlowsPanelOptions = {
  columns: defaultColumns,
  timeColumnZone: 'dashboard',
  density: 'normal',
};

/** Height of a row in pixels. */
export const rowHeights: Record<RowDensity, number> = { compact: 22, normal: 28, comfortable: 36 };
