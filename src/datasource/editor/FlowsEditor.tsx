import { InlineField, RadioButtonGroup } from '@grafana/ui';
import { useId } from 'react';

import { defaultLimit, maxLimit, type FlowsFormat, type FlowsQuery } from '../query/model';
import { text } from '../text';
import { LimitInput } from './LimitInput';
import { QueryRows, type EditorProps } from './QueryRows';

/** The editor of flows queries: filters, format and limit. */
export function FlowsEditor(props: EditorProps<FlowsQuery>) {
  const { query, onChange, onRunQuery } = props;
  const formatId = useId();
  return (
    <QueryRows {...props}>
      <InlineField label={text.flows.format} htmlFor={formatId}>
        <RadioButtonGroup<FlowsFormat>
          id={formatId}
          aria-label={text.flows.format}
          value={query.format ?? 'table'}
          onChange={(format) => {
            onChange({ ...query, format });
            if (format !== query.format) {
              onRunQuery();
            }
          }}
          options={(['table', 'logs', 'packed'] as const).map((value) => ({
            value,
            label: text.flows.formats[value],
            description: text.flows.formatHints[value],
          }))}
        />
      </InlineField>
      <LimitInput {...props} words={text.flows} defaultLimit={defaultLimit} max={maxLimit} />
    </QueryRows>
  );
}
