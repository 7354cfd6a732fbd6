import { Combobox, InlineField, MultiCombobox, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useId } from 'react';

import { groupFields, isGroupField, type GroupField } from '../query/fields';
import {
  defaultGroups,
  limitOf,
  maxGroups,
  type FlowMetric,
  type FlowMetricsFormat,
  type FlowMetricsQuery,
} from '../query/model';
import { testIds } from '../testIds';
import { groupLabelOf, text } from '../text';
import { CommittedInput } from './CommittedInput';
import { optionStyles } from './FlowsEditor';
import { SelectionEditor, type EditorSource } from './SelectionEditor';

interface Props {
  query: FlowMetricsQuery;
  onChange(query: FlowMetricsQuery): void;
  onRunQuery(): void;
  datasource: EditorSource;
}

const metrics = ['count', 'rate', 'dropRatio', 'distinctPeers'] as const satisfies readonly FlowMetric[];

/** Flows, counted. */
export function FlowMetricsEditor({ query, onChange, onRunQuery, datasource }: Props) {
  const styles = useStyles2(optionStyles);
  const metricId = useId();
  const groupId = useId();
  const limitId = useId();
  const change = (next: FlowMetricsQuery) => {
    onChange(next);
    onRunQuery();
  };
  return (
    <>
      <SelectionEditor query={query} onChange={onChange} onRunQuery={onRunQuery} datasource={datasource} />
      <div className={styles.options}>
        <InlineField label={text.flowMetrics.metric} className={styles.field} data-testid={testIds.metric}>
          <>
            <span id={metricId} hidden>
              {text.flowMetrics.metric}
            </span>
            <Combobox<FlowMetric>
              aria-labelledby={metricId}
              width={20}
              value={query.metric ?? 'count'}
              options={metrics.map((value) => ({
                value,
                label: text.flowMetrics.metrics[value],
                description: text.flowMetrics.metricHints[value],
              }))}
              onChange={({ value }) => change({ ...query, metric: value })}
            />
          </>
        </InlineField>
        <InlineField
          label={text.flowMetrics.groupBy}
          tooltip={text.flowMetrics.groupByHint}
          className={styles.field}
          data-testid={testIds.groupBy}
        >
          <>
            <span id={groupId} hidden>
              {text.flowMetrics.groupBy}
            </span>
            <MultiCombobox<GroupField>
              aria-labelledby={groupId}
              width="auto"
              minWidth={24}
              maxWidth={60}
              placeholder={text.flowMetrics.groupByPlaceholder}
              value={(query.groupBy ?? []).filter(isGroupField)}
              options={groupFields.map((value) => ({ value, label: groupLabelOf(value) }))}
              isClearable
              onChange={(options) => change({ ...query, groupBy: options.map(({ value }) => value) })}
            />
          </>
        </InlineField>
        <InlineField label={text.flowMetrics.format} className={styles.field}>
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
        <CommittedInput
          label={text.flowMetrics.limit}
          tooltip={text.flowMetrics.limitHint}
          id={limitId}
          width={10}
          type="number"
          value={String(query.limit ?? defaultGroups)}
          problem={(value) => (limitOf(value, maxGroups) === undefined ? text.flowMetrics.limitError : undefined)}
          onCommit={(value) => change({ ...query, limit: limitOf(value, maxGroups) })}
          onRunQuery={onRunQuery}
          testId={testIds.limit}
        />
      </div>
    </>
  );
}
