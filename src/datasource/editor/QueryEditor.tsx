import { css } from '@emotion/css';
import type { GrafanaTheme2, QueryEditorProps } from '@grafana/data';
import { Button, RadioButtonGroup, useStyles2 } from '@grafana/ui';

import type { HubbleDataSource } from '../datasource';
import { queryTypeOf, queryTypes, withType, type HubbleQuery, type QueryType } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import type { HubbleSettings } from '../types';
import { FlowMetricsEditor } from './FlowMetricsEditor';
import { FlowsEditor } from './FlowsEditor';
import { DnsConnectionsEditor, FlowAnnotationsEditor } from './ListEditors';
import { PromqlEditor } from './PromqlEditor';
import { ServiceMapEditor } from './ServiceMapEditor';

type Props = QueryEditorProps<HubbleDataSource, HubbleQuery, HubbleSettings>;

/** Asks for flows or metrics. A query runs when a choice is made, a field is left, or on Shift+Enter. */
export function QueryEditor({ query, onChange, onRunQuery, datasource, app, data }: Props) {
  const styles = useStyles2(editorStyles);
  const type = queryTypeOf(query);

  const chooseType = (chosen: QueryType) => {
    if (chosen !== type) {
      onChange(withType(query, chosen, app));
      // What was asked before is no answer to this; a query that can be asked as it stands is.
      if (chosen !== 'promql') {
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
          options={queryTypes.map((value) => ({
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
      <EditorOf query={{ ...query, queryType: type } as HubbleQuery} {...{ onChange, onRunQuery, datasource }} />
    </div>
  );
}

/** The editor of a query's type. */
function EditorOf({ query, ...rest }: Pick<Props, 'query' | 'onChange' | 'onRunQuery' | 'datasource'>) {
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
      return <PromqlEditor query={query} {...rest} />;
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
