import {
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  VizOrientation,
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  type PanelProps,
  type ReduceDataOptions,
} from '@grafana/data';
import {
  BigValue,
  BigValueGraphMode,
  useTheme2,
  VizRepeater,
  type BigValueColorMode,
  type BigValueJustifyMode,
  type BigValueTextMode,
} from '@grafana/ui';

import { Linked } from './Linked';

export interface StatOptions {
  reduceOptions: ReduceDataOptions;
  orientation: VizOrientation;
  textMode: BigValueTextMode;
  colorMode: BigValueColorMode;
  graphMode: BigValueGraphMode;
  justifyMode: BigValueJustifyMode;
  text?: { titleSize?: number; valueSize?: number };
}

export function StatPanel(props: PanelProps<StatOptions>) {
  const { data, width, height, options, fieldConfig, replaceVariables, timeZone, renderCounter } = props;
  const theme = useTheme2();
  const getValues = () =>
    getFieldDisplayValues({
      fieldConfig,
      reduceOptions: options.reduceOptions,
      replaceVariables,
      theme,
      data: data.series,
      sparkline: options.graphMode !== BigValueGraphMode.None,
      timeZone,
    });
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={getValues}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={data}
      width={width}
      height={height}
      itemSpacing={3}
      autoGrid
      renderCounter={renderCounter}
      orientation={options.orientation}
      renderValue={({ value, width, height, count, alignmentFactors }) => (
        <Linked value={value} style={{ flexGrow: 1 }}>
          {({ openMenu, targetClassName }) => (
            <BigValue
              theme={theme}
              value={value.display}
              count={count}
              sparkline={value.sparkline}
              colorMode={options.colorMode}
              graphMode={options.graphMode}
              justifyMode={options.justifyMode}
              textMode={options.textMode}
              text={options.text}
              alignmentFactors={alignmentFactors}
              width={width}
              height={height}
              hasLinks={value.hasLinks}
              onClick={openMenu}
              className={targetClassName}
            />
          )}
        </Linked>
      )}
    />
  );
}
