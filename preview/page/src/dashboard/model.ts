import {
  type DataLink,
  type DataTransformerConfig,
  type FieldConfigSource,
  type TypedVariableModel,
  type VariableHide,
  type VariableRefresh,
  type VariableSort,
} from '@grafana/data';
import { type DataQuery, type DataSourceRef } from '@grafana/schema';

/** The part of Grafana's classic dashboard model (schema version 41) that the demo's dashboards use. */
export interface Dashboard {
  uid: string;
  title: string;
  description?: string;
  tags?: string[];
  graphTooltip?: number;
  timezone?: string;
  fiscalYearStartMonth?: number;
  weekStart?: string;
  refresh?: string | boolean;
  time?: { from: string; to: string };
  timepicker?: { refresh_intervals?: string[]; hidden?: boolean };
  templating?: { list?: VariableModel[] };
  annotations?: { list?: Array<{ builtIn?: number; name: string }> };
  links?: DashboardLinkModel[];
  panels?: PanelModel[];
}

export interface VariableModel {
  type: TypedVariableModel['type'];
  name: string;
  label?: string;
  description?: string;
  hide?: VariableHide;
  skipUrlSync?: boolean;
  query?: string | object;
  datasource?: DataSourceRef | string | null;
  regex?: string;
  refresh?: VariableRefresh;
  sort?: VariableSort;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string | null;
  current?: { text?: string | string[]; value?: string | string[] };
}

/** A menu of the dashboards with one of the tags. */
export interface DashboardLinkModel {
  title: string;
  tags?: string[];
  tooltip?: string;
  includeVars?: boolean;
  keepTime?: boolean;
}

export interface PanelModel {
  id?: number;
  type: string;
  title?: string;
  description?: string;
  gridPos?: { x: number; y: number; w: number; h: number };
  datasource?: DataSourceRef | null;
  targets?: DataQuery[];
  fieldConfig?: FieldConfigSource;
  options?: Record<string, unknown>;
  transformations?: DataTransformerConfig[];
  links?: DataLink[];
  interval?: string;
  maxDataPoints?: number;
  /** Whether the panels of a row are hidden. */
  collapsed?: boolean;
  panels?: PanelModel[];
}
