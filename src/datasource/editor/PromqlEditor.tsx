import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import {
  CodeEditor,
  InlineField,
  InlineSwitch,
  RadioButtonGroup,
  useStyles2,
  type Monaco,
  type MonacoEditor,
} from '@grafana/ui';
import { useEffect, useId, useRef, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import type { PromqlFormat, PromqlQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import { bareEditor, heightOf, watchLines } from './bareEditor';
import { CommittedInput } from './CommittedInput';
import { completeWords, languageId, registerPromql } from './promqlLanguage';

interface Props {
  query: PromqlQuery;
  onChange(query: PromqlQuery): void;
  onRunQuery(): void;
  datasource: Pick<HubbleDataSource, 'metricNames' | 'promqlWords'>;
  /** A rule takes series alone, over a range or at its end. */
  alerts?: boolean;
}

type Times = 'range' | 'instant' | 'both';

const minLines = 2;
const maxLines = 12;

export function PromqlEditor({ query, onChange, onRunQuery, datasource, alerts = false }: Props) {
  const styles = useStyles2(promqlStyles);
  const legendId = useId();
  const stepId = useId();
  const exemplarsId = useId();
  const completion = useRef<{ dispose(): void } | undefined>(undefined);
  const metrics = useRef<readonly string[]>([]);
  const [lines, setLines] = useState(() => linesOf(query.expr));
  const [wrapped, setWrapped] = useState(1);

  // Monaco keeps the first callbacks it is given.
  const latest = useRef({ query, onChange, onRunQuery, datasource });
  useEffect(() => {
    latest.current = { query, onChange, onRunQuery, datasource };
  });

  useEffect(() => {
    let wanted = true;
    datasource.metricNames().then(
      (names) => {
        if (wanted) {
          metrics.current = names;
        }
      },
      // Completion only: why Prometheus does not answer is told where the query is run.
      () => undefined
    );
    return () => {
      wanted = false;
    };
  }, [datasource]);

  const change = (next: PromqlQuery) => {
    onChange(next);
    if (next.expr.trim() !== '') {
      onRunQuery();
    }
  };
  const commit = (expr: string) => {
    const { query, onChange, onRunQuery } = latest.current;
    if (expr !== query.expr) {
      onChange({ ...query, expr });
      onRunQuery();
    }
  };
  const onMount = (editor: MonacoEditor, monaco: Monaco) => {
    editor.onKeyDown((event) => {
      if (event.keyCode === monaco.KeyCode.Enter && (event.shiftKey || event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation();
        const { query, onChange, onRunQuery } = latest.current;
        onChange({ ...query, expr: editor.getValue() });
        onRunQuery();
      } else if (event.keyCode === monaco.KeyCode.Tab && !isCompleting(editor)) {
        // Kept from Monaco, so that the key leads out of the editor as out of any field.
        event.stopPropagation();
      }
    });
    completion.current = completeWords(monaco, editor, {
      metrics: () => metrics.current,
      ask: (query) => latest.current.datasource.promqlWords(query),
    });
    editor.onDidChangeModelContent(() => setLines(linesOf(editor.getValue())));
    watchLines(editor, setWrapped);
  };

  return (
    <>
      <div role="group" aria-label={text.promql.expression} data-testid={testIds.expression}>
        <CodeEditor
          language={languageId}
          value={query.expr}
          height={heightOf(Math.max(wrapped, lines))}
          showLineNumbers={false}
          showMiniMap={false}
          wordWrap
          monacoOptions={bareEditor(text.promql.expression)}
          onBlur={commit}
          onSave={commit}
          onBeforeEditorMount={registerPromql}
          onEditorDidMount={onMount}
          onEditorWillUnmount={() => completion.current?.dispose()}
        />
      </div>
      <div className={styles.options} role="group" aria-label={text.promql.options}>
        <CommittedInput
          label={text.promql.legend}
          tooltip={text.promql.legendHint}
          id={legendId}
          width={24}
          placeholder="__auto"
          value={query.legendFormat ?? ''}
          onCommit={(legendFormat) => change({ ...query, legendFormat })}
          onRunQuery={onRunQuery}
          testId={testIds.legend}
        />
        <CommittedInput
          label={text.promql.minStep}
          tooltip={text.promql.minStepHint}
          id={stepId}
          width={10}
          placeholder="15s"
          value={query.interval ?? ''}
          onCommit={(interval) => change({ ...query, interval })}
          onRunQuery={onRunQuery}
          testId={testIds.minStep}
        />
        <InlineField label={text.promql.type} className={styles.field}>
          <RadioButtonGroup<Times>
            aria-label={text.promql.type}
            value={timesOf(query)}
            onChange={(times) => change({ ...query, range: times !== 'instant', instant: times !== 'range' })}
            options={(['range', 'instant', 'both'] as const)
              .filter((value) => !alerts || value !== 'both' || timesOf(query) === value)
              .map((value) => ({ value, label: text.promql.types[value] }))}
          />
        </InlineField>
        {!alerts && (
          <InlineField label={text.promql.format} className={styles.field}>
            <RadioButtonGroup<PromqlFormat>
              aria-label={text.promql.format}
              value={query.format ?? 'time_series'}
              onChange={(format) => change({ ...query, format })}
              options={(['time_series', 'table', 'heatmap'] as const).map((value) => ({
                value,
                label: text.promql.formats[value],
              }))}
            />
          </InlineField>
        )}
        {!alerts && timesOf(query) !== 'instant' && (
          <InlineField label={text.promql.exemplars} htmlFor={exemplarsId} className={styles.field}>
            <InlineSwitch
              id={exemplarsId}
              value={query.exemplar ?? false}
              onChange={(event) => change({ ...query, exemplar: event.currentTarget.checked })}
            />
          </InlineField>
        )}
      </div>
    </>
  );
}

/** Whether a list of completions is open, in which Tab takes one. */
function isCompleting(editor: MonacoEditor): boolean {
  return editor.getContainerDomNode().querySelector('.suggest-widget.visible') !== null;
}

function timesOf({ range, instant }: PromqlQuery): Times {
  if (instant) {
    return range ? 'both' : 'instant';
  }
  return 'range';
}

function linesOf(expr: string): number {
  return Math.min(maxLines, Math.max(minLines, expr.split('\n').length));
}

function promqlStyles(theme: GrafanaTheme2) {
  return {
    options: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
    field: css({ margin: 0 }),
  };
}
