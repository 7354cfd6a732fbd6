import { EditorRow } from '@grafana/plugin-ui';
import { InlineField, InlineSwitch, RadioButtonGroup, Stack, useStyles2 } from '@grafana/ui';
import { useEffect, useId, useRef, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import type { PromqlFormat, PromqlQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import { CommittedInput } from './CommittedInput';
import { completeWords, languageId, registerPromql } from './promqlLanguage';
import { QueryField } from './QueryField';
import { rowStyles } from './QueryRows';

interface Props {
  query: PromqlQuery;
  onChange(query: PromqlQuery): void;
  onRunQuery(): void;
  datasource: Pick<HubbleDataSource, 'metricNames' | 'promqlWords'>;
  /** Whether the query is one of an alert rule, which takes series only. */
  alerts?: boolean;
}

type Times = 'range' | 'instant' | 'both';

const minLines = 2;
const maxLines = 12;

/**
 * The editor of PromQL queries. Not the one of `@grafana/prometheus`: that needs Grafana's `PrometheusDatasource` and its
 * language provider, which ask resources that this data source does not have, and brings Monaco a second time (5 MB).
 */
export function PromqlEditor({ query, onChange, onRunQuery, datasource, alerts = false }: Props) {
  const styles = useStyles2(rowStyles);
  const legendId = useId();
  const stepId = useId();
  const exemplarsId = useId();
  const metrics = useRef<readonly string[]>([]);
  const [lines, setLines] = useState(() => linesOf(query.expr));

  useEffect(() => {
    let isCurrent = true;
    datasource.metricNames().then(
      (names) => {
        if (isCurrent) {
          metrics.current = names;
        }
      },
      // Only suggestions lack the names; the query reports the fault when it runs.
      () => undefined
    );
    return () => {
      isCurrent = false;
    };
  }, [datasource]);

  const change = (next: PromqlQuery) => {
    onChange(next);
    if (next.expr.trim() !== '') {
      onRunQuery();
    }
  };
  const run = (expr: string) => {
    onChange({ ...query, expr });
    onRunQuery();
  };
  return (
    <Stack direction="column" gap={0.5}>
      <div role="group" aria-label={text.promql.expression} data-testid={testIds.expression}>
        <QueryField
          language={languageId}
          value={query.expr}
          ariaLabel={text.promql.expression}
          minLines={lines}
          onBeforeMount={registerPromql}
          onMount={(editor, monaco) =>
            completeWords(monaco, editor, {
              metrics: () => metrics.current,
              ask: (variable) => datasource.promqlWords(variable),
            })
          }
          onType={(expr) => setLines(linesOf(expr))}
          onCommit={(expr) => expr !== query.expr && run(expr)}
          onRun={run}
        />
      </div>
      <EditorRow>
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
          <InlineField label={text.promql.type}>
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
            <InlineField label={text.promql.format}>
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
            <InlineField label={text.promql.exemplars} htmlFor={exemplarsId}>
              <InlineSwitch
                id={exemplarsId}
                value={query.exemplar ?? false}
                onChange={(event) => change({ ...query, exemplar: event.currentTarget.checked })}
              />
            </InlineField>
          )}
        </div>
      </EditorRow>
    </Stack>
  );
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
