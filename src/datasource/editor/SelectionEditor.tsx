import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Combobox, IconButton, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useId, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import { reasonOf } from '../failure';
import { fromConversion } from '../query/conversion';
import { filterFields, type FilterField } from '../query/fields';
import {
  modeOf,
  selectionOf,
  withSelection,
  type EditorMode,
  type FlowSelection,
  type RelayQuery,
} from '../query/model';
import { extraConditions, rowsOf, sameFilters, withRows, type FilterRow } from '../query/rows';
import { testIds } from '../testIds';
import { hintOf, labelOf, text } from '../text';
import { CopyCommand } from './CopyCommand';
import { FilterRowEditor } from './FilterRowEditor';
import { LineEditor } from './LineEditor';

/** The part of the data source that the editors of flow queries use. */
export type EditorSource = Pick<HubbleDataSource, 'suggestions' | 'templateVariables' | 'convert' | 'command'>;

interface Props<Q extends RelayQuery> {
  query: Q;
  onChange(query: Q): void;
  onRunQuery(): void;
  datasource: EditorSource;
}

/**
 * The flows of a query: rows of filters, or a `hubble observe` line. Each converts into the other. The toggle is not
 * `QueryEditorModeToggle` of `@grafana/plugin-ui`, which has neither an accessible name nor descriptions.
 */
export function SelectionEditor<Q extends RelayQuery>({ query, onChange, onRunQuery, datasource }: Props<Q>) {
  const styles = useStyles2(selectionStyles);
  const addId = useId();
  const [problem, setProblem] = useState<string>();
  const mode = modeOf(query);
  const rows = rowsOf(query);
  const isNarrowed = rows.length > 0 || [query.allowlist, query.denylist].some((raw) => (raw ?? []).length > 0);
  const excluded = rows.filter(({ side, values }) => side === 'exclude' && values.length > 0);

  const change = (selection: FlowSelection) => {
    const next = withSelection(query, selection);
    onChange(next);
    if (!sameFilters(query, next)) {
      onRunQuery();
    }
  };
  const changeRows = (next: FilterRow[]) => change(withRows(selectionOf(query), next));

  const changeMode = async (chosen: EditorMode) => {
    setProblem(undefined);
    if (chosen === mode) {
      return;
    }
    if (chosen === 'builder' && !query.text?.trim()) {
      onChange(withSelection(query, { adhocFilters: query.adhocFilters, editorMode: 'builder' }));
      return;
    }
    try {
      const selection = fromConversion(query, await datasource.convert(query));
      if (selection) {
        // Both forms select the same flows: there is nothing to run.
        onChange(withSelection(query, selection));
      } else {
        setProblem(text.flows.lineIsWrong);
      }
    } catch (error) {
      setProblem(text.flows.notConverted(reasonOf(error)));
    }
  };

  return (
    <div className={styles.selection} role="group" aria-label={text.flows.filters}>
      <div className={styles.head}>
        <RadioButtonGroup<EditorMode>
          size="sm"
          aria-label={text.flows.mode}
          value={mode}
          onChange={(chosen) => void changeMode(chosen)}
          options={(['builder', 'text'] as const).map((value) => ({
            value,
            label: text.flows.modes[value],
            description: text.flows.modeHints[value],
          }))}
        />
        <CopyCommand query={query} datasource={datasource} />
      </div>
      {problem && (
        <Alert severity="error" title={problem} onRemove={() => setProblem(undefined)} className={styles.alert} />
      )}
      {mode === 'text' ? (
        <LineEditor
          value={query.text ?? ''}
          datasource={datasource}
          onCommit={(line) => {
            setProblem(undefined);
            change({ adhocFilters: query.adhocFilters, text: line, editorMode: 'text' });
          }}
          onRunQuery={onRunQuery}
        />
      ) : (
        <>
          {!isNarrowed && <p className={styles.none}>{text.flows.none}</p>}
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
          {excluded.length > 1 && <p className={styles.none}>{text.flows.excludeHint}</p>}
          <div data-testid={testIds.addFilter}>
            <label htmlFor={addId} className="sr-only">
              {text.flows.add}
            </label>
            <Combobox<FilterField>
              id={addId}
              placeholder={text.flows.add}
              prefixIcon="plus"
              value={null}
              width={24}
              options={filterFields
                .filter((field) => !rows.some((row) => row.side === 'filter' && row.field === field))
                .map((field) => ({ value: field, label: labelOf(field), description: hintOf(field) }))}
              onChange={(option) => changeRows([...rows, { side: 'filter', field: option.value, values: [] }])}
            />
          </div>
        </>
      )}
      <ExtraConditions query={query} onChange={change} />
    </div>
  );
}

/** The conditions that have no row in the builder, each with a button that removes it. */
function ExtraConditions({ query, onChange }: { query: FlowSelection; onChange(selection: FlowSelection): void }) {
  const styles = useStyles2(selectionStyles);
  const conditions = extraConditions(selectionOf(query));
  if (conditions.length === 0) {
    return null;
  }
  return (
    <ul className={styles.parts} data-testid={testIds.parts}>
      {conditions.map(({ label, value, without }, at) => (
        <li key={at} className={styles.part} title={label === text.flows.adhoc ? text.flows.adhocHint : undefined}>
          <span className={styles.partLabel}>{label}</span>
          <span className={styles.partValue}>{value}</span>
          <IconButton
            name="times"
            size="sm"
            tooltip={text.flows.removePart(`${label} ${value}`.trim())}
            onClick={() => onChange(without)}
          />
        </li>
      ))}
    </ul>
  );
}

function selectionStyles(theme: GrafanaTheme2) {
  return {
    selection: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(0.5), flex: 1, minWidth: 0 }),
    head: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center' }),
    alert: css({ marginBottom: 0 }),
    none: css({ margin: 0, color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
    parts: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5), listStyle: 'none', margin: 0 }),
    part: css({
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(0.5),
      maxWidth: '100%',
      padding: theme.spacing(0.25, 1),
      borderRadius: theme.shape.radius.default,
      background: theme.colors.background.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
    }),
    partLabel: css({ color: theme.colors.text.secondary, whiteSpace: 'nowrap' }),
    partValue: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap', maxWidth: 480 }),
  };
}
