import {
  dateTimeFormat,
  FieldType,
  formattedValueToString,
  getFieldDisplayName,
  type DataFrame,
  type Field,
  type LinkModel,
  type PanelProps,
} from '@grafana/data';
import { LegendDisplayMode, SortOrder, type VizLegendOptions, type VizTooltipOptions } from '@grafana/schema';
import {
  DataLinkButton,
  SeriesTable,
  Text,
  TimeSeries,
  TooltipDisplayMode,
  TooltipPlugin2,
  usePanelContext,
  type UPlotConfigBuilder,
} from '@grafana/ui';
import { useMemo } from 'react';

import { NoData } from './NoData';
import { rowAt } from './rowAt';

export interface TimeSeriesOptions {
  legend: VizLegendOptions;
  tooltip: VizTooltipOptions;
}

/** `TooltipHoverMode` of @grafana/ui, which is not exported. */
const hoverMode = { xOne: 0, xAll: 1 };

/** The frames with a time field and at least one number field. */
function graphable(frames: DataFrame[]): DataFrame[] {
  const has = (frame: DataFrame, type: FieldType) => frame.fields.some((field) => field.type === type);
  return frames.filter((frame) => has(frame, FieldType.time) && has(frame, FieldType.number) && frame.length > 0);
}

export function TimeSeriesPanel(props: PanelProps<TimeSeriesOptions>) {
  const { data, width, height, timeRange, timeZone, options, fieldConfig, onChangeTimeRange } = props;
  const frames = useMemo(() => graphable(data.series), [data.series]);
  const { sync, eventsScope } = usePanelContext();
  if (frames.length === 0) {
    return <NoData fieldConfig={fieldConfig} />;
  }
  const multi = options.tooltip.mode === TooltipDisplayMode.Multi;
  return (
    <TimeSeries
      frames={frames}
      structureRev={data.structureRev}
      timeRange={timeRange}
      timeZone={timeZone}
      width={width}
      height={height}
      legend={options.legend}
      options={options}
    >
      {(config: UPlotConfigBuilder, frame: DataFrame) => {
        const links = (seriesIdx: number, dataIdx: number) => {
          const field = frame.fields[seriesIdx];
          const origin = frames[field?.state?.origin?.frameIndex ?? 0];
          const row = rowAt(origin, frame.fields[0]?.values[dataIdx]);
          return field?.getLinks?.({ valueRowIndex: row ?? dataIdx }) ?? [];
        };
        return (
          <TooltipPlugin2
            config={config}
            hoverMode={multi ? hoverMode.xAll : hoverMode.xOne}
            queryZoom={onChangeTimeRange}
            clientZoom
            syncMode={sync?.()}
            syncScope={eventsScope}
            getDataLinks={links}
            render={(_plot, dataIdxs, seriesIdx, _isPinned, _dismiss, _timeRange, _viaSync, dataLinks) => (
              <SeriesTooltip
                frame={frame}
                dataIdxs={dataIdxs}
                seriesIdx={seriesIdx}
                options={options.tooltip}
                timeZone={timeZone}
                links={dataLinks}
              />
            )}
          />
        );
      }}
    </TimeSeries>
  );
}

const legend: VizLegendOptions = {
  showLegend: true,
  displayMode: LegendDisplayMode.List,
  placement: 'bottom',
  calcs: [],
};

/** Lines in place of the cells of a heat map or a status history, whose colours and widths are meant for cells. */
export function LinesPanel(props: PanelProps<TimeSeriesOptions>) {
  const { series } = props.data;
  const lines = useMemo(
    () =>
      series.map((frame) => ({ ...frame, fields: frame.fields.map((field) => ({ ...field, config: line(field) })) })),
    [series]
  );
  return <TimeSeriesPanel {...props} data={{ ...props.data, series: lines }} options={{ ...props.options, legend }} />;
}

function line({ config }: Field): Field['config'] {
  return { ...config, color: { mode: 'palette-classic' }, custom: { ...config.custom, lineWidth: 1, fillOpacity: 0 } };
}

interface SeriesTooltipProps {
  frame: DataFrame;
  dataIdxs: Array<number | null>;
  seriesIdx: number | null;
  options: VizTooltipOptions;
  timeZone: string;
  links: LinkModel[];
}

function SeriesTooltip({ frame, dataIdxs, seriesIdx, options, timeZone, links }: SeriesTooltipProps) {
  const rows = frame.fields.flatMap((field, index) => {
    const row = dataIdxs[index];
    const shown = options.mode === TooltipDisplayMode.Multi || index === seriesIdx;
    if (index === 0 || row === null || row === undefined || !shown || field.config.custom?.hideFrom?.tooltip) {
      return [];
    }
    const value = field.values[row];
    const display = field.display?.(value);
    return value === null || value === undefined || !display
      ? []
      : [
          {
            value,
            row: {
              label: getFieldDisplayName(field, frame),
              value: formattedValueToString(display),
              color: display.color,
              isActive: index === seriesIdx,
            },
          },
        ];
  });
  if (options.sort !== SortOrder.None) {
    rows.sort((a, b) => (options.sort === SortOrder.Descending ? b.value - a.value : a.value - b.value));
  }
  const time = frame.fields[0]?.values[dataIdxs[0] ?? dataIdxs.find((index) => typeof index === 'number') ?? 0];
  return (
    <div style={{ padding: 8 }}>
      <SeriesTable timestamp={dateTimeFormat(time, { timeZone })} series={rows.map(({ row }) => row)} />
      {links.map((link) => (
        <div key={link.href + link.title} style={{ marginTop: 8 }}>
          {link.oneClick ? <Text color="secondary">Click to open: {link.title}</Text> : <DataLinkButton link={link} />}
        </div>
      ))}
    </div>
  );
}
