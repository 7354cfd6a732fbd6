import { css } from '@emotion/css';
import type { GrafanaTheme2, QueryEditorProps } from '@grafana/data';
import { Button, RadioButtonGroup, useStyles2 } from '@grafana/ui';

import type { HubbleDataSource } from '../datasource';
import {
  defaultPromqlQuery,
  defaultQuery,
  isPromql,
  queryTypeOf,
  type HubbleQuery,
  type QueryType,
} from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import type { HubbleSettings } from '../types';
import { FlowsEditor } from './FlowsEditor';
import { PromqlEditor } from './PromqlEditor';

type Props = QueryEditorProps<HubbleDataSource, HubbleQuery, HubbleSettings>;

/** Asks for flows or metrics. A query runs when a choice is made, a field is left, or on Shift+Enter. */
export function QueryEditor({ query, onChange, onRunQuery, datasource, app, data }: Props) {
  const styles = useStyles2(editorStyles);
  const type = queryTypeOf(query);

  const chooseType = (chosen: QueryType) => {
    if (chosen !== type) {
      onChange(withType(query, chosen, app));
      // What was asked before is no answer to this; a query that can be asked as it stands is.
      if (chosen === 'flows') {
        onRunQuery();
      }
    }
  };

  return (
    <div className={styles.editor} data-testid={testIds.queryEditor}>
      <div className={styles.head}>
        <RadioButtonGroup<QueryType>
          size="sm"
          aria-label={text.query.type}
          value={type}
          onChange={chooseType}
          options={[
            { value: 'flows', label: text.query.flows, description: text.query.flowsDescription },
            { value: 'promql', label: text.query.promql, description: text.query.promqlDescription },
          ]}
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
      {isPromql(query) ? (
        <PromqlEditor query={query} onChange={onChange} onRunQuery={onRunQuery} datasource={datasource} />
      ) : (
        <FlowsEditor query={query} onChange={onChange} onRunQuery={onRunQuery} datasource={datasource} />
      )}
    </div>
  );
}

/** The query in the other language. What both have in common stays. */
function withType(query: HubbleQuery, type: QueryType, app: string | undefined): HubbleQuery {
  const { refId, hide, key, datasource } = query;
  const common = { refId, hide, key, datasource };
  return type === 'promql'
    ? { ...common, ...defaultPromqlQuery() }
    : { ...common, ...defaultQuery(app), queryType: 'flows' };
}

function editorStyles(theme: GrafanaTheme2) {
  return {
    editor: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1) }),
    head: css({ display: 'flex', alignItems: 'center', justifyContent: 'space-between', gap: theme.spacing(1) }),
  };
}
