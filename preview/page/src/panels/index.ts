import { identityOverrideProcessor, PanelPlugin, type PanelProps } from '@grafana/data';
import { createElement, type ComponentType } from 'react';

import { NoData } from './NoData';
import { TablePanel } from './TablePanel';
import { LinesPanel, TimeSeriesPanel } from './TimeSeriesPanel';
import { ValuesPanel } from './ValuesPanel';

const noEditor = () => null;

/** A panel with the default options of Grafana's own panel. */
function panel(component: ComponentType<PanelProps<any>>, defaults: object, custom: Record<string, unknown> = {}) {
  const option = ([path, defaultValue]: [string, unknown]) => ({
    id: path,
    path,
    name: path,
    editor: noEditor,
    override: noEditor,
    process: identityOverrideProcessor,
    shouldApply: () => true,
    defaultValue,
  });
  return new PanelPlugin<any, any>(component)
    .setPanelOptions((builder) => {
      for (const each of Object.entries(defaults)) {
        builder.addCustomEditor(option(each));
      }
    })
    .useFieldConfig({
      // Overrides apply only to registered options.
      useCustomConfig: (builder) => {
        for (const each of Object.entries(custom)) {
          builder.addCustomEditor(option(each));
        }
      },
    });
}

const hideFrom = { legend: false, tooltip: false, viz: false };
const reduceOptions = { values: false, calcs: ['lastNotNull'], fields: '' };

const graph = {
  drawStyle: 'line',
  lineInterpolation: 'linear',
  barAlignment: 0,
  barWidthFactor: 0.6,
  lineWidth: 1,
  lineStyle: undefined,
  fillOpacity: 0,
  fillBelowTo: undefined,
  gradientMode: 'none',
  spanNulls: false,
  insertNulls: false,
  showPoints: 'auto',
  pointSize: 5,
  stacking: { mode: 'none', group: 'A' },
  transform: undefined,
  axisPlacement: 'auto',
  axisLabel: '',
  axisWidth: undefined,
  axisSoftMin: undefined,
  axisSoftMax: undefined,
  axisGridShow: undefined,
  axisCenteredZero: false,
  axisColorMode: 'text',
  axisBorderShow: false,
  scaleDistribution: { type: 'linear' },
  thresholdsStyle: { mode: 'off' },
  hideFrom,
};

const table = {
  align: 'auto',
  cellOptions: { type: 'auto' },
  inspect: false,
  filterable: undefined,
  width: undefined,
  minWidth: 50,
  wrapHeaderText: undefined,
  tooltip: undefined,
  footer: undefined,
  'hideFrom.viz': false,
};

/** A placeholder for panels that are neither in the plugin folder nor built in. */
export const notDrawn = (id: string) =>
  panel(() => createElement(NoData, { message: `The preview draws no ${id} panel; Grafana may` }), {});

const graphOptions = {
  legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
  tooltip: { mode: 'single', sort: 'none' },
};
const lines = panel(LinesPanel, graphOptions, graph);

const values = panel(ValuesPanel, { reduceOptions });

/**
 * The panels of the demo's dashboards. The code of Grafana's own is in its application, not in its libraries. Values over
 * time are lines and single values are text, whichever panel the dashboard has.
 */
export const builtInPanels: Record<string, PanelPlugin> = {
  timeseries: panel(TimeSeriesPanel, graphOptions, graph),
  heatmap: lines,
  'status-history': lines,
  stat: values,
  bargauge: values,
  table: panel(TablePanel, { showHeader: true, cellHeight: 'sm', frameIndex: 0 }, table),
};
