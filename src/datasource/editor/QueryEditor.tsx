import { css } from '@emotion/css';
import type { QueryEditorProps } from '@grafana/data';
import { EditorHeader, FlexItem } from '@grafana/plugin-ui';
import { Button, RadioButtonGroup, Stack } from '@grafana/ui';
import { useEffect, useRef } from 'react';

import type { HubbleDataSource } from '../datasource';
import {
  defaultQuery,
  normalizeQuery,
  isAlerting,
  isPromql,
  queryTypeOf,
  queryTypes,
  withType,
  type HubbleQuery,
  type QueryType,
} from '../query/model';
import { withoutAllConditions } from '../query/allConditions';
import { testIds } from '../testIds';
import { text } from '../text';
import type { HubbleSettings } from '../types';
import { DnsConnectionsEditor } from './DnsConnectionsEditor';
import { FlowAnnotationsEditor } from './FlowAnnotationsEditor';
import { FlowMetricsEditor } from './FlowMetricsEditor';
import { FlowsEditor } from './FlowsEditor';
import { PromqlEditor } from './PromqlEditor';
import { ServiceMapEditor } from './ServiceMapEditor';

interface Props extends QueryEditorProps<HubbleDataSource, HubbleQuery, HubbleSettings> {
  /** Set by Grafana in the editor of an annotation. */
  annotation?: unknown;
}

/** Half of a split Explore is narrower than all types in one row. */
const types = css({ flexWrap: 'wrap' });

/** The query editor. A query runs when an option changes, when a field loses the focus, and on Shift+Enter. */
export function QueryEditor({ query, queries, onChange, onRunQuery, datasource, app, data, annotation }: Props) {
  const alerts = isAlerting(app);
  // Grafana merges defaults into a rule's query before it is shown; the rule itself runs the stored query.
  const own = alerts ? queries?.find(({ refId }) => refId === query.refId) : undefined;
  const stored = (own as HubbleQuery | undefined) ?? query;
  const type = queryTypeOf(stored);
  const shown = normalizeQuery(stored);

  // Only once: a row that is being filled in has no values either.
  const initial = useRef({ query, app, onChange });
  useEffect(() => {
    const { query, app, onChange } = initial.current;
    const cleaned = withoutAllConditions(query);
    if (app === 'explore' && cleaned !== query) {
      onChange(cleaned);
    }
  }, []);

  const isNew = alerts && stored.queryType === undefined && type !== 'promql';
  useEffect(() => {
    if (isNew) {
      onChange({ ...stored, ...defaultQuery(app) } as HubbleQuery);
    }
  }, [isNew, stored, app, onChange]);

  // The last query of the other kind, PromQL or flows: it returns when the user switches back.
  const previous = useRef<{ promql?: HubbleQuery; flows?: HubbleQuery }>({});
  const chooseType = (chosen: QueryType) => {
    if (chosen !== type) {
      previous.current[kindOf(type)] = stored;
      const next = withType(stored, chosen, app, previous.current[kindOf(chosen)]);
      onChange(next);
      // The old answer does not fit the new type; a query without an expression cannot run yet.
      if (!isPromql(next) || next.expr.trim() !== '') {
        onRunQuery();
      }
    }
  };

  return (
    <Stack direction="column" gap={1} data-testid={testIds.queryEditor}>
      <EditorHeader>
        <RadioButtonGroup<QueryType>
          size="sm"
          className={types}
          aria-label={text.query.type}
          value={type}
          onChange={chooseType}
          options={offeredTypes(alerts, annotation !== undefined, type).map((value) => ({
            value,
            label: text.query[value],
            description: text.query[`${value}Description`],
          }))}
        />
        <FlexItem grow={1} />
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
      </EditorHeader>
      <EditorOf query={shown} {...{ onChange, onRunQuery, datasource, app }} />
    </Stack>
  );
}

function kindOf(type: QueryType): 'promql' | 'flows' {
  return type === 'promql' ? 'promql' : 'flows';
}

/** The types that fit here, and the selected one. */
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
