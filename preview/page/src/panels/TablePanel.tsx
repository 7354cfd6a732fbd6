import { cacheFieldDisplayNames, getFrameDisplayName, type PanelProps } from '@grafana/data';
import { type TableCellHeight } from '@grafana/schema';
import { Select } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { useMemo, useState } from 'react';

import { NoData } from './NoData';

export interface TableOptions {
  showHeader: boolean;
  cellHeight: TableCellHeight;
  frameIndex: number;
  sortBy?: Array<{ displayName: string; desc?: boolean }>;
  enablePagination?: boolean;
  frozenColumns?: { left?: number };
}

const selectHeight = 40;

export function TablePanel({ data, width, height, options, fieldConfig, timeRange }: PanelProps<TableOptions>) {
  const [chosen, choose] = useState<number>();
  // The header shows cached names, which a transformation may have changed.
  useMemo(() => cacheFieldDisplayNames(data.series), [data.series]);
  const index = Math.min(chosen ?? options.frameIndex, data.series.length - 1);
  const frame = data.series[index];
  if (!frame || frame.fields.length === 0) {
    return <NoData fieldConfig={fieldConfig} />;
  }
  const several = data.series.length > 1;
  return (
    <>
      <TableNG
        data={frame}
        width={width}
        height={several ? height - selectHeight : height}
        noHeader={!options.showHeader}
        cellHeight={options.cellHeight}
        initialSortBy={options.sortBy}
        enablePagination={options.enablePagination}
        frozenColumns={options.frozenColumns?.left}
        structureRev={data.structureRev}
        fieldConfig={fieldConfig}
        timeRange={timeRange}
        showTypeIcons={false}
        resizable
        transparent
      />
      {several && (
        <Select
          aria-label="Frame"
          value={index}
          onChange={({ value }) => choose(value)}
          options={data.series.map((each, value) => ({ value, label: getFrameDisplayName(each, value) }))}
        />
      )}
    </>
  );
}
