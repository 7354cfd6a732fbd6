import { formattedValueToString, getFieldDisplayValues, type PanelProps, type ReduceDataOptions } from '@grafana/data';
import { Box, ScrollContainer, Stack, Text, TextLink, useTheme2 } from '@grafana/ui';

import { NoData } from './NoData';

export interface ValuesOptions {
  reduceOptions: ReduceDataOptions;
}

/** Single values with their names, each with its first link. */
export function ValuesPanel({ data, options, fieldConfig, replaceVariables, timeZone }: PanelProps<ValuesOptions>) {
  const theme = useTheme2();
  if (data.series.every((frame) => frame.length === 0)) {
    return <NoData fieldConfig={fieldConfig} />;
  }
  const { reduceOptions } = options;
  const values = getFieldDisplayValues({
    fieldConfig,
    reduceOptions,
    replaceVariables,
    theme,
    data: data.series,
    timeZone,
  });
  // As Grafana does: a value that stands alone is named where the panel says how.
  const isNamed = values.length > 1 || Boolean(fieldConfig.defaults.displayName);
  return (
    <ScrollContainer>
      <Box padding={1}>
        {values.map(({ display, hasLinks, getLinks }, at) => {
          const [link] = (hasLinks && getLinks?.()) || [];
          const value = formattedValueToString(display);
          return (
            <Stack key={at} justifyContent="space-between">
              <Text>{(isNamed && display.title) || ''}</Text>
              {link ? <TextLink href={link.href}>{value}</TextLink> : <Text>{value}</Text>}
            </Stack>
          );
        })}
      </Box>
    </ScrollContainer>
  );
}
