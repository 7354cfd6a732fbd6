import { Combobox, InlineField, MultiCombobox, RadioButtonGroup } from '@grafana/ui';
import { useId } from 'react';

import { groupFields, isGroupField, type GroupField } from '../query/fields';
import {
  defaultGroups,
  maxGroups,
  type FlowMetric,
  type FlowMetricsFormat,
  type FlowMetricsQuery,
} from '../query/model';
import { testIds } from '../testIds';
import { groupLabelOf, text } from '../text';
import { LimitInput } from './LimitInput';
import { QueryRows, type EditorProps } from './QueryRows';

const metrics = ['count', 'rate', 'dropRatio', 'distinctPeers'] as const satisfies readonly FlowMetric[];

/** The editor of flow metrics: filters, metric, grouping, format and limit. */
export function FlowMetricsEditor(props: EditorProps<FlowMetricsQuery>) {
  const { query, onChange, onRunQuery } = props;
  const metricId = useId();
  const groupId = useId();
  const change = (next: FlowMetricsQuery) => {
    onChange(next);
    onRunQuery();
  };
  return (
    <QueryRows {...props}>
      <InlineField label={text.flowMetrics.metric} htmlFor={metricId} data-testid={testIds.metric}>
        <Combobox<FlowMetric>
          id={metricId}
          width={20}
          value={query.metric ?? 'count'}
          options={metrics.map((value) => ({
            value,
            label: text.flowMetrics.metrics[value],
            description: text.flowMetrics.metricHints[value],
          }))}
          onChange={({ value }) => change({ ...query, metric: value })}
        />
      </InlineField>
      <InlineField
        label={text.flowMetrics.groupBy}
        htmlFor={groupId}
        tooltip={text.flowMetrics.groupByHint}
        data-testid={testIds.groupBy}
      >
        <MultiCombobox<GroupField>
          id={groupId}
          width="auto"
          minWidth={24}
          maxWidth={60}
          placeholder={text.flowMetrics.groupByPlaceholder}
          value={(query.groupBy ?? []).filter(isGroupField)}
          options={groupFields.map((value) => ({ value, label: groupLabelOf(value) }))}
          isClearable
          onChange={(options) => change({ ...query, groupBy: options.map(({ value }) => value) })}
        />
      </InlineField>
      <InlineField label={text.flowMetrics.format}>
        <RadioButtonGroup<FlowMetricsFormat>
          aria-label={text.flowMetrics.format}
          value={query.format === 'long' ? 'top' : (query.format ?? 'time_series')}
          onChange={(format) => change({ ...query, format })}
          options={(['time_series', 'top'] as const).map((value) => ({
            value,
            label: text.flowMetrics.formats[value],
            description: text.flowMetrics.formatHints[value],
          }))}
        />
      </InlineField>
      <LimitInput {...props} words={text.flowMetrics} defaultLimit={defaultGroups} max={maxGroups} />
    </QueryRows>
  );
}
