import { css } from '@emotion/css';
import type { GrafanaTheme2, QueryEditorProps } from '@grafana/data';
import { Button, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useEffect, useRef } from 'react';

import type { HubbleDataSource } from '../datasource';
import {
  defaultQuery,
  fitted,
  isAlerting,
  isPromql,
  queryTypeOf,
  queryTypes,
  withType,
  type HubbleQuery,
  type QueryType,
} from '../query/model';
import { takenOver } from '../query/taken';
import { testIds } from '../testIds';
import { text } from '../text';
import type { HubbleSettings } from '../types';
import { FlowMetricsEditor } from './FlowMetricsEditor';
import { FlowsEditor } from './FlowsEditor';
import { DnsConnectionsEditor, FlowAnnotationsEditor } from './ListEditors';
import { PromqlEditor } from './PromqlEditor';
import { ServiceMapEditor } from './ServiceMapEditor';

interface Props extends QueryEditorProps<HubbleDataSource, HubbleQuery, HubbleSettings> {
  /** There in the editor of an annotation, which Grafana hands it to. */
  annotation?: unknown;
}

/** Asks for flows or metrics. A query runs when a choice is made, a field is left, or on Shift+Enter. */
export function QueryEditor({ query, queries, onChange, onRunQuery, datasource, app, data, annotation }: Props) {
  const styles = useStyles2(editorStyles);
  const alerts = isAlerting(app);
  // Grafana fills the query of a rule up with defaults before it is shown: what the rule asks is what is stored.
  const own = alerts ? queries?.find(({ refId }) => refId === query.refId) : undefined;
  const stored = (own as HubbleQuery | undefined) ?? query;
  const type = queryTypeOf(stored);
  const shown = fitted(stored);

  // Once: a line that is being filled in has no values either.
  const given = useRef({ query, app, onChange });
  useEffect(() => {
    const { query, app, onChange } = given.current;
    const taken = takenOver(query);
    if (app === 'explore' && taken !== query) {
      onChange(taken);
    }
  }, []);

  const isNew = alerts && stored.queryType === undefined && type !== 'promql';
  useEffect(() => {
    if (isNew) {
      onChange({ ...stored, ...defaultQuery(app) } as HubbleQuery);
    }
  }, [isNew, stored, app, onChange]);

  // What was asked for on the other side of PromQL and flows: a look there and back loses nothing.
  const left = useRef<{ promql?: HubbleQuery; flows?: HubbleQuery }>({});
  const chooseType = (chosen: QueryType) => {
    if (chosen !== type) {
      left.current[sideOf(type)] = stored;
      const next = withType(stored, chosen, app, left.current[sideOf(chosen)]);
      onChange(next);
      // What was asked before is no answer to this; a query that can be asked as it stands is.
      if (!isPromql(next) || next.expr.trim() !== '') {
        onRunQuery();
      }
    }
  };

  return (
    <div className={styles.editor} data-testid={testIds.queryEditor}>
      <div className={styles.head}>
        <RadioButtonGroup<QueryType>
          size="sm"
          className={styles.types}
          aria-label={text.query.type}
          value={type}
          onChange={chooseType}
          options={offeredTypes(alerts, annotation !== undefined, type).map((value) => ({
            value,
            label: text.query[value],
            description: text.query[`${value}Description`],
          }))}
        />
        <Button
          size="sm"
          variant="secondary"
          icon={data?.state === 'Loading' ? 'spinner' : 'play'}
          onClick={onRunQuery}
          tooltip={text.query.runHint}
          data-testid={testIds.run}
        >
          {text.query.run}
        </Button>
      </div>
      <EditorOf query={shown} {...{ onChange, onRunQuery, datasource, app }} />
    </div>
  );
}

function sideOf(type: QueryType): 'promql' | 'flows' {
  return type === 'promql' ? 'promql' : 'flows';
}

/** The types that make sense here, and the one that is chosen. */
function offeredTypes(alerts: boolean, isAnnotation: boolean, chosen: QueryType): QueryType[] {
  const useful: readonly QueryType[] = alerts
    ? ['flowMetrics', 'promql']
    : isAnnotation
      ? ['flowAnnotations', 'promql']
      : queryTypes;
  return queryTypes.filter((type) => useful.includes(type) || type === chosen);
}

/** The editor of a query's type. */
function EditorOf({ query, app, ...rest }: Pick<Props, 'query' | 'onChange' | 'onRunQuery' | 'datasource' | 'app'>) {
  switch (query.queryType) {
    case 'flows':
      return <FlowsEditor query={query} {...rest} />;
    case 'flowMetrics':
      return <FlowMetricsEditor query={query} {...rest} />;
    case 'flowAnnotations':
      return <FlowAnnotationsEditor query={query} {...rest} />;
    case 'dnsConnections':
      return <DnsConnectionsEditor query={query} {...rest} />;
    case 'serviceMap':
      return <ServiceMapEditor query={query} {...rest} />;
    default:
      return <PromqlEditor query={query} alerts={isAlerting(app)} {...rest} />;
  }
}

function editorStyles(theme: GrafanaTheme2) {
  return {
    editor: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1) }),
    head: css({
      display: 'flex',
      flexWrap: 'wrap',
      alignItems: 'center',
      justifyContent: 'space-between',
      gap: theme.spacing(1),
    }),
    // Half of a split Explore is narrower than all types in one row.
    types: css({ flexWrap: 'wrap' }),
  };
}
