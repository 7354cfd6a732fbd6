import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Combobox, IconButton, MultiCombobox, useStyles2, type ComboboxOption } from '@grafana/ui';
import { useId, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import { reasonOf } from '../failure';
import { filterFields, type FilterField } from '../query/fields';
import type { FlowFilter } from '../query/model';
import type { FilterRow, RowSide } from '../query/rows';
import { testIds } from '../testIds';
import { hintOf, labelOf, text } from '../text';

interface Props {
  row: FilterRow;
  /** The whole filter, which narrows the suggestions. */
  filter: FlowFilter | undefined;
  /** All rows; no two with the same operator have the same field. */
  taken: readonly FilterRow[];
  datasource: Pick<HubbleDataSource, 'suggestions' | 'templateVariables'>;
  onChange(row: FilterRow): void;
  onRemove(): void;
}

/** One row of the filter builder: field, operator, values. */
export function FilterRowEditor({ row, filter, taken, datasource, onChange, onRemove }: Props) {
  const styles = useStyles2(rowStyles);
  const id = useId();
  const [notice, setNotice] = useState<string>();
  const label = labelOf(row.field);
  const free = (side: RowSide, field: FilterField) =>
    !taken.some((other) => other !== row && other.side === side && other.field === field);

  const suggest = async (prefix: string): Promise<Array<ComboboxOption<string>>> => {
    const wanted = prefix.toLowerCase();
    const variables = datasource
      .templateVariables()
      .filter((variable) => variable.toLowerCase().includes(wanted))
      .map((variable) => ({ value: variable, group: text.flows.variables }));
    try {
      const { values, notices } = await datasource.suggestions({ field: row.field, prefix, filter });
      setNotice(notices[0]);
      return [...values.map((value) => ({ value })), ...variables];
    } catch (error) {
      setNotice(text.flows.suggestionsFailed(reasonOf(error)));
      return variables;
    }
  };

  return (
    <div
      className={styles.row}
      role="group"
      aria-label={text.flows.rowLabel(label)}
      data-testid={testIds.filterRow(row.field)}
    >
      {(['field', 'side', 'values'] as const).map((name) => (
        <label key={name} htmlFor={`${id}-${name}`} className="sr-only">
          {text.flows[name]}
        </label>
      ))}
      <Combobox<FilterField>
        id={`${id}-field`}
        width={22}
        value={row.field}
        options={filterFields
          .filter((field) => free(row.side, field))
          .map((field) => ({ value: field, label: labelOf(field), description: hintOf(field) }))}
        onChange={({ value }) => onChange({ ...row, field: value, values: value === row.field ? row.values : [] })}
      />
      <Combobox<RowSide>
        id={`${id}-side`}
        width={11}
        value={row.side}
        options={(['filter', 'exclude'] as const)
          .filter((side) => free(side, row.field))
          .map((side) => ({
            value: side,
            label: text.flows.sides[side],
            description: text.flows.sideHints[side],
          }))}
        onChange={({ value }) => onChange({ ...row, side: value })}
      />
      <div className={styles.values}>
        <MultiCombobox<string>
          id={`${id}-values`}
          placeholder={hintOf(row.field) ?? text.flows.valuesPlaceholder}
          value={row.values}
          options={suggest}
          createCustomValue
          customValueDescription={text.flows.customValue}
          isClearable
          onChange={(options) => onChange({ ...row, values: options.map((option) => option.value) })}
          data-testid={testIds.filterValues(row.field)}
        />
        {notice && <span className={styles.notice}>{notice}</span>}
      </div>
      <IconButton name="times" tooltip={text.flows.remove(label)} onClick={onRemove} className={styles.remove} />
    </div>
  );
}

function rowStyles(theme: GrafanaTheme2) {
  return {
    row: css({ display: 'flex', alignItems: 'flex-start', gap: theme.spacing(0.5), flexWrap: 'wrap' }),
    values: css({ flex: '1 1 240px', minWidth: 0, maxWidth: 720 }),
    notice: css({
      display: 'block',
      color: theme.colors.text.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
    }),
    remove: css({ marginTop: theme.spacing(1), marginLeft: theme.spacing(0.5) }),
  };
}
