import {
  DataFrameType,
  dateTimeFormat,
  FieldType,
  formattedValueToString,
  getFieldDisplayName,
  getValueFormat,
  type DataFrame,
  type Field,
  type PanelProps,
} from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { DataLinkButton, SeriesTable, TooltipPlugin2, UPlotChart, UPlotConfigBuilder, useTheme2 } from '@grafana/ui';
import { useMemo } from 'react';
import type uPlot from 'uplot';

import { NoData } from './NoData';
import { rowAt, timesOf } from './rowAt';

/** Buckets over time: `counts[row][column]`, row 0 at the bottom. */
interface Heatmap {
  times: number[];
  buckets: string[];
  counts: number[][];
  /** The series of each row, where a row is one; its links are those of its cells. */
  fields: Field[];
  /** The frames that these series came in. */
  frames: DataFrame[];
  /** Whether the colour of a cell is its field's. */
  isColored?: boolean;
}

/** `TooltipHoverMode.xyOne` of @grafana/ui, which is not exported. */
const xyOne = 2;

/** `heatmap-cells`: one row of the frame is one cell, from a native histogram. */
function fromCells(frame: DataFrame): Heatmap {
  const values = (name: string): number[] => frame.fields.find((field) => field.name === name)?.values ?? [];
  const ascending = (all: number[]) => [...new Set(all)].sort((a, b) => a - b);
  const times = ascending(values('xMax'));
  const uppers = ascending(values('yMax'));
  const column = new Map(times.map((time, index) => [time, index]));
  const row = new Map(uppers.map((upper, index) => [upper, index]));
  const counts = uppers.map(() => times.map(() => 0));
  values('count').forEach((count, cell) => {
    const cells = counts[row.get(values('yMax')[cell]!)!];
    if (cells) {
      cells[column.get(values('xMax')[cell]!)!] = count;
    }
  });
  return { times, buckets: uppers.map((upper) => upper.toPrecision(3)), counts, fields: [], frames: [] };
}

/** Cells as they are, else one row for each number field. */
function heatmapOf(frames: DataFrame[]): Heatmap | undefined {
  const cells = frames.find((frame) => frame.meta?.type === DataFrameType.HeatmapCells && frame.length > 0);
  if (cells) {
    return fromCells(cells);
  }
  const rows = frames.flatMap((frame) =>
    frame.fields
      .filter((field) => field.type === FieldType.number)
      .map((field) => ({ field, bucket: field.labels?.le ?? getFieldDisplayName(field, frame), frame }))
  );
  // Series may lack a step that others have.
  const times = [...new Set(frames.flatMap(timesOf))].sort((a, b) => a - b);
  if (times.length === 0 || rows.length === 0) {
    return undefined;
  }
  const column = new Map(times.map((at, index) => [at, index]));
  const counts = rows.map(({ field, frame }) => {
    const row = times.map(() => 0);
    timesOf(frame).forEach((at, index) => {
      row[column.get(at)!] = field.values[index];
    });
    return row;
  });
  return {
    times,
    buckets: rows.map((row) => row.bucket),
    counts,
    fields: rows.map((row) => row.field),
    frames: rows.map((row) => row.frame),
  };
}

/** A row of cells for each series, the first at the top, in the colours of the field options. */
export function StatusHistoryPanel(props: PanelProps) {
  return <Cells {...props} heatmapOf={historyOf} />;
}

/** A row of cells for each bucket, the first at the bottom, stronger where there is more. */
export function HeatmapPanel(props: PanelProps) {
  return <Cells {...props} heatmapOf={heatmapOf} />;
}

function historyOf(frames: DataFrame[]): Heatmap | undefined {
  const heatmap = heatmapOf(frames);
  if (!heatmap) {
    return undefined;
  }
  return {
    times: heatmap.times,
    buckets: heatmap.buckets.reverse(),
    counts: heatmap.counts.reverse(),
    fields: heatmap.fields.reverse(),
    frames: heatmap.frames.reverse(),
    isColored: true,
  };
}

interface CellsProps extends PanelProps {
  heatmapOf: (frames: DataFrame[]) => Heatmap | undefined;
}

function Cells(props: CellsProps) {
  const { data, width, height, timeRange, timeZone, fieldConfig, onChangeTimeRange, heatmapOf } = props;
  const theme = useTheme2();
  const heatmap = useMemo(() => heatmapOf(data.series), [data.series, heatmapOf]);
  const from = timeRange.from.valueOf();
  const to = timeRange.to.valueOf();
  const config = useMemo(() => {
    const color = (share: number) => theme.visualization.getColorByName('orange') + alpha(share);
    return heatmap && chartConfig(heatmap, timeZone, [from, to], theme, color);
  }, [heatmap, timeZone, from, to, theme]);
  if (!heatmap || !config) {
    return <NoData fieldConfig={fieldConfig} />;
  }
  const { times, buckets, counts, fields, frames } = heatmap;
  const format = getValueFormat(fieldConfig.defaults.unit ?? 'short');
  return (
    <UPlotChart config={config} data={[times, times.map(() => 0)]} width={width} height={height}>
      <TooltipPlugin2
        config={config}
        hoverMode={xyOne}
        queryZoom={onChangeTimeRange}
        render={(plot, dataIdxs, _seriesIdx, isPinned) => {
          const row = Math.floor(plot.posToVal(plot.cursor.top ?? 0, 'y'));
          const column = dataIdxs[1] ?? 0;
          const count = counts[row]?.[column];
          const value = formattedValueToString(format(count ?? 0));
          const own = rowAt(frames[row], times[column]) ?? column;
          const links = isPinned ? (fields[row]?.getLinks?.({ valueRowIndex: own }) ?? []) : [];
          return (
            <div style={{ padding: 8 }}>
              <SeriesTable
                timestamp={dateTimeFormat(times[column] ?? 0, { timeZone })}
                series={[{ label: buckets[row], value }]}
              />
              {links.map((link) => (
                <DataLinkButton key={link.href} link={link} />
              ))}
            </div>
          );
        }}
      />
    </UPlotChart>
  );
}

/** Two hexadecimal digits of opacity. */
function alpha(share: number): string {
  return Math.round(share * 255)
    .toString(16)
    .padStart(2, '0');
}

function chartConfig(
  { times, buckets, counts, fields, isColored }: Heatmap,
  timeZone: string,
  range: [number, number],
  theme: ReturnType<typeof useTheme2>,
  color: (share: number) => string
): UPlotConfigBuilder {
  const config = new UPlotConfigBuilder(timeZone);
  const highest = counts.reduce((max, row) => row.reduce((a, b) => Math.max(a, b ?? 0), max), 0);
  const stepMs = times.length > 1 ? times[1]! - times[0]! : range[1] - range[0];
  config.addScale({
    scaleKey: 'x',
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => range,
  });
  config.addScale({
    scaleKey: 'y',
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Up,
    range: () => [0, buckets.length],
  });
  config.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone, theme });
  config.addAxis({
    scaleKey: 'y',
    placement: AxisPlacement.Left,
    theme,
    splits: () => buckets.map((_, row) => row + 0.5),
    values: () => buckets,
  });
  config.addSeries({ scaleKey: 'y', theme, lineWidth: 0, show: true });
  config.addHook('draw', (plot: uPlot) => {
    plot.ctx.save();
    plot.ctx.beginPath();
    plot.ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
    plot.ctx.clip();
    counts.forEach((row, y) => {
      const top = plot.valToPos(y + 1, 'y', true);
      const bottom = plot.valToPos(y, 'y', true);
      row.forEach((count, x) => {
        if (count > 0) {
          const left = plot.valToPos(times[x]! - stepMs, 'x', true);
          const right = plot.valToPos(times[x]!, 'x', true);
          const colored = isColored ? fields[y]?.display?.(count).color : undefined;
          plot.ctx.fillStyle = colored ?? color(0.15 + 0.85 * (count / highest));
          // Cells stand apart where they are wide enough to.
          const gap = right - left > 6 ? 1 : 0;
          plot.ctx.fillRect(left, top + gap, right - left - gap, bottom - top - gap);
        }
      });
    });
    plot.ctx.restore();
  });
  return config;
}
