import type { ColumnId, ViewSpec } from './engine/protocol';
import { defaultColumns } from './table/columns';

/** The height of a row. */
export type RowDensity = 'compact' | 'normal' | 'comfortable';

/** The time zone of the time column. */
export type TimeColumnZone = 'dashboard' | 'browser' | 'utc';

/** What a user set in the toolbar and the table: filter, order and groups. */
export type ViewState = Omit<ViewSpec, 'columns'>;

export interface FlowsPanelOptions {
  /** The shown columns, in the order of the table. */
  columns: ColumnId[];
  timeColumnZone: TimeColumnZone;
  density: RowDensity;
  /** The namespace of policies without one. Overrides the data source's setting. */
  policiesNamespace?: string;
  /** Widths in pixels of the columns that the user resized. */
  columnWidths?: Partial<Record<ColumnId, number>>;
  /** Columns that stay in sight, at the left. */
  pinnedColumns?: ColumnId[];
  /** Filter, order and groups, as far as they differ from `defaultView`. */
  view?: Partial<ViewState>;
}

export const defaultOptions: FlowsPanelOptions = {
  columns: defaultColumns,
  timeColumnZone: 'dashboard',
  density: 'normal',
};

export const defaultView: ViewState = {
  text: '',
  verdicts: [],
  agreements: [],
  conditions: [],
  fold: true,
  groupBy: [],
  groupSort: 'flows',
  sort: 'time',
  descending: true,
};

/** Height of a row in pixels. */
export const rowHeights: Record<RowDensity, number> = { compact: 22, normal: 28, comfortable: 36 };
