import { identityOverrideProcessor, PanelPlugin, type PanelProps } from '@grafana/data';
import { createElement, type ComponentType } from 'react';

import { BarGaugePanel } from './BarGaugePanel';
import { HeatmapPanel, StatusHistoryPanel } from './HeatmapPanel';
import { NoData } from './NoData';
import { StatPanel } from './StatPanel';
import { TablePanel } from './TablePanel';
import { TextPanel } from './TextPanel';
import { TimeSeriesPanel } from './TimeSeriesPanel';

const noEditor = () => null;

/** A panel with the defaults that Grafana's own of this name has. */
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
      // Only options that are known by name take part in overrides.
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

/** In the place of a panel that is neither in the plugin folder nor among the built-in ones. */
export const notDrawn = (id: string) =>
  panel(() => createElement(NoData, { message: `The preview draws no ${id} panel; Grafana may` }), {});

/** The panels that dashboards name and whose code is Grafana's application, not its libraries. */
export const builtInPanels: Record<string, PanelPlugin> = {
  timeseries: panel(
    TimeSeriesPanel,
    {
      legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
      tooltip: { mode: 'single', sort: 'none' },
    },
    graph
  ),
  stat: panel(StatPanel, {
    reduceOptions,
    orientation: 'auto',
    textMode: 'auto',
    colorMode: 'value',
    graphMode: 'area',
    justifyMode: 'auto',
  }),
  bargauge: panel(BarGaugePanel, {
    reduceOptions,
    orientation: 'auto',
    displayMode: 'gradient',
    valueMode: 'color',
    namePlacement: 'auto',
    showUnfilled: true,
    minVizWidth: 8,
    minVizHeight: 16,
    maxVizHeight: 300,
  }),
  table: panel(TablePanel, { showHeader: true, cellHeight: 'sm', frameIndex: 0 }, table),
  heatmap: panel(HeatmapPanel, {}, { hideFrom, scaleDistribution: { type: 'linear' } }),
  'status-history': panel(StatusHistoryPanel, {}, { hideFrom }),
  text: panel(TextPanel, { mode: 'markdown', content: '' }),
};
