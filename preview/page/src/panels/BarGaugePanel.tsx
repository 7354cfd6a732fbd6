import {
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  VizOrientation,
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  type PanelProps,
  type ReduceDataOptions,
} from '@grafana/data';
import { BarGaugeNamePlacement, type BarGaugeDisplayMode, type BarGaugeValueMode } from '@grafana/schema';
import { BarGauge, useTheme2, VizRepeater } from '@grafana/ui';

import { Linked } from './Linked';
import { NoData } from './NoData';

export interface BarGaugeOptions {
  reduceOptions: ReduceDataOptions;
  orientation: VizOrientation;
  displayMode: BarGaugeDisplayMode;
  valueMode: BarGaugeValueMode;
  namePlacement: BarGaugeNamePlacement;
  showUnfilled: boolean;
  minVizWidth: number;
  minVizHeight: number;
  maxVizHeight: number;
  text?: { titleSize?: number; valueSize?: number };
}

export function BarGaugePanel(props: PanelProps<BarGaugeOptions>) {
  const { data, width, height, options, fieldConfig, replaceVariables, timeZone, renderCounter } = props;
  const theme = useTheme2();
  if (data.series.every((frame) => frame.length === 0)) {
    return <NoData fieldConfig={fieldConfig} />;
  }
  const { reduceOptions, orientation, minVizWidth, minVizHeight, maxVizHeight } = options;
  const getValues = () =>
    getFieldDisplayValues({ fieldConfig, reduceOptions, replaceVariables, theme, data: data.series, timeZone });
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={getValues}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={data}
      width={width}
      height={height}
      renderCounter={renderCounter}
      orientation={orientation}
      itemSpacing={orientation === VizOrientation.Horizontal ? 8 : 10}
      minVizWidth={minVizWidth}
      minVizHeight={minVizHeight}
      maxVizHeight={maxVizHeight}
      renderValue={({ value, width, height, count, orientation, alignmentFactors }) => (
        <Linked value={value} style={{ height: '100%' }}>
          {({ openMenu, targetClassName }) => (
            <BarGauge
              theme={theme}
              value={value.display}
              field={value.field}
              display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
              width={width}
              height={height}
              orientation={orientation}
              displayMode={options.displayMode}
              valueDisplayMode={options.valueMode}
              // The panel's title names a single value.
              namePlacement={count === 1 ? BarGaugeNamePlacement.Hidden : options.namePlacement}
              showUnfilled={options.showUnfilled}
              text={options.text}
              itemSpacing={10}
              lcdCellWidth={12}
              alignmentFactors={alignmentFactors}
              isOverflow={count * minVizHeight > props.height}
              onClick={openMenu}
              className={targetClassName}
            />
          )}
        </Linked>
      )}
    />
  );
}
