import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { InlineField, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useId } from 'react';

import { defaultLimit, limitOf, type FlowsFormat, type FlowsQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import { CommittedInput } from './CommittedInput';
import { SelectionEditor, type EditorSource } from './SelectionEditor';

interface Props {
  query: FlowsQuery;
  onChange(query: FlowsQuery): void;
  onRunQuery(): void;
  datasource: EditorSource;
}

/** Flows, and in what form. */
export function FlowsEditor({ query, onChange, onRunQuery, datasource }: Props) {
  const styles = useStyles2(optionStyles);
  const formatId = useId();
  const limitId = useId();

  const change = (next: FlowsQuery) => {
    onChange(next);
    if (query.format !== next.format || query.limit !== next.limit) {
      onRunQuery();
    }
  };

  return (
    <>
      <SelectionEditor query={query} onChange={onChange} onRunQuery={onRunQuery} datasource={datasource} />
      <div className={styles.options}>
        <InlineField label={text.flows.format} htmlFor={formatId} className={styles.field}>
          <RadioButtonGroup<FlowsFormat>
            id={formatId}
            aria-label={text.flows.format}
            value={query.format ?? 'table'}
            onChange={(format) => change({ ...query, format })}
            options={(['table', 'logs', 'packed'] as const).map((value) => ({
              value,
              label: text.flows.formats[value],
              description: text.flows.formatHints[value],
            }))}
          />
        </InlineField>
        <CommittedInput
          label={text.flows.limit}
          tooltip={text.flows.limitHint}
          id={limitId}
          width={12}
          type="number"
          value={String(query.limit ?? defaultLimit)}
          problem={(value) => (limitOf(value) === undefined ? text.flows.limitError : undefined)}
          onCommit={(value) => change({ ...query, limit: limitOf(value) })}
          onRunQuery={onRunQuery}
          testId={testIds.limit}
        />
      </div>
    </>
  );
}

/** A row of options below a query. */
export function optionStyles(theme: GrafanaTheme2) {
  return {
    options: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-start', gap: theme.spacing(1) }),
    field: css({ margin: 0, maxWidth: '100%' }),
    /** Choices that go on below each other where there is no room. */
    choices: css({ flexWrap: 'wrap' }),
  };
}
