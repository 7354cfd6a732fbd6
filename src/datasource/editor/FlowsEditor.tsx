import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Combobox, InlineField, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useId } from 'react';

import type { HubbleDataSource } from '../datasource';
import { filterFields, type FilterField } from '../query/fields';
import { defaultLimit, limitOf, type FlowsFormat, type FlowsQuery } from '../query/model';
import { rowsOf, sameFilters, withRows, type FilterRow } from '../query/rows';
import { testIds } from '../testIds';
import { hintOf, labelOf, text } from '../text';
import { CommittedInput } from './CommittedInput';
import { FilterRowEditor } from './FilterRowEditor';

interface Props {
  query: FlowsQuery;
  onChange(query: FlowsQuery): void;
  onRunQuery(): void;
  datasource: Pick<HubbleDataSource, 'suggestions' | 'templateVariables'>;
}

export function FlowsEditor({ query, onChange, onRunQuery, datasource }: Props) {
  const styles = useStyles2(flowsStyles);
  const formatId = useId();
  const limitId = useId();
  const addId = useId();
  const rows = rowsOf(query);

  const change = (next: FlowsQuery) => {
    onChange(next);
    if (!sameFilters(query, next) || query.format !== next.format || query.limit !== next.limit) {
      onRunQuery();
    }
  };
  const changeRows = (next: FilterRow[]) => change(withRows(query, next));
  const addRow = (field: FilterField) => changeRows([...rows, { side: 'filter', field, values: [] }]);

  return (
    <>
      <div className={styles.rows} role="group" aria-label={text.flows.filters}>
        {rows.length === 0 && <p className={styles.none}>{text.flows.none}</p>}
        {rows.map((row, at) => (
          <FilterRowEditor
            key={`${row.side} ${row.field}`}
            row={row}
            filter={query.filter}
            taken={rows}
            datasource={datasource}
            onChange={(changed) => changeRows(rows.map((other, place) => (place === at ? changed : other)))}
            onRemove={() => changeRows(rows.filter((_, place) => place !== at))}
          />
        ))}
      </div>
      <div className={styles.options}>
        <div className={styles.add} data-testid={testIds.addFilter}>
          <span id={addId} hidden>
            {text.flows.add}
          </span>
          <Combobox<FilterField>
            aria-labelledby={addId}
            placeholder={text.flows.add}
            prefixIcon="plus"
            value={null}
            width={24}
            options={filterFields
              .filter((field) => !rows.some((row) => row.side === 'filter' && row.field === field))
              .map((field) => ({ value: field, label: labelOf(field), description: hintOf(field) }))}
            onChange={(option) => addRow(option.value)}
          />
        </div>
        <InlineField label={text.flows.format} htmlFor={formatId} className={styles.field}>
          <RadioButtonGroup<FlowsFormat>
            id={formatId}
            aria-label={text.flows.format}
            value={query.format ?? 'table'}
            onChange={(format) => change({ ...query, format })}
            options={[
              { value: 'table', label: text.flows.formats.table, description: text.flows.formatHints.table },
              { value: 'packed', label: text.flows.formats.packed, description: text.flows.formatHints.packed },
            ]}
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

function flowsStyles(theme: GrafanaTheme2) {
  return {
    rows: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(0.5) }),
    none: css({ margin: 0, color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
    options: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-start', gap: theme.spacing(1) }),
    add: css({ marginRight: 'auto' }),
    field: css({ margin: 0 }),
  };
}
