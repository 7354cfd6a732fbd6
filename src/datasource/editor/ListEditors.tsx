import { useStyles2 } from '@grafana/ui';
import { useId } from 'react';

import {
  defaultAnnotations,
  defaultNames,
  limitOf,
  maxAnnotations,
  maxNames,
  type DnsConnectionsQuery,
  type FlowAnnotationsQuery,
} from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import { CommittedInput } from './CommittedInput';
import { optionStyles } from './FlowsEditor';
import { SelectionEditor, type EditorSource } from './SelectionEditor';

interface Props<Q> {
  query: Q;
  onChange(query: Q): void;
  onRunQuery(): void;
  datasource: EditorSource;
}

/** Drops as marks on a time axis. */
export function FlowAnnotationsEditor({ query, onChange, onRunQuery, datasource }: Props<FlowAnnotationsQuery>) {
  const styles = useStyles2(optionStyles);
  const limitId = useId();
  return (
    <>
      <SelectionEditor query={query} onChange={onChange} onRunQuery={onRunQuery} datasource={datasource} />
      <div className={styles.options}>
        <CommittedInput
          label={text.flowAnnotations.limit}
          tooltip={text.flowAnnotations.limitHint}
          id={limitId}
          width={12}
          type="number"
          value={String(query.limit ?? defaultAnnotations)}
          problem={(value) =>
            limitOf(value, maxAnnotations) === undefined ? text.flowAnnotations.limitError : undefined
          }
          onCommit={(value) => {
            onChange({ ...query, limit: limitOf(value, maxAnnotations) });
            onRunQuery();
          }}
          onRunQuery={onRunQuery}
          testId={testIds.limit}
        />
      </div>
    </>
  );
}

/** DNS names with the connections that followed. */
export function DnsConnectionsEditor({ query, onChange, onRunQuery, datasource }: Props<DnsConnectionsQuery>) {
  const styles = useStyles2(optionStyles);
  const ipId = useId();
  const limitId = useId();
  const change = (next: DnsConnectionsQuery) => {
    onChange(next);
    onRunQuery();
  };
  return (
    <>
      <SelectionEditor query={query} onChange={onChange} onRunQuery={onRunQuery} datasource={datasource} />
      <div className={styles.options}>
        <CommittedInput
          label={text.dnsConnections.ip}
          tooltip={text.dnsConnections.ipHint}
          id={ipId}
          width={24}
          value={query.ip ?? ''}
          onCommit={(ip) => change({ ...query, ip: ip.trim() || undefined })}
          onRunQuery={onRunQuery}
          testId={testIds.ip}
        />
        <CommittedInput
          label={text.dnsConnections.limit}
          tooltip={text.dnsConnections.limitHint}
          id={limitId}
          width={12}
          type="number"
          value={String(query.limit ?? defaultNames)}
          problem={(value) => (limitOf(value, maxNames) === undefined ? text.dnsConnections.limitError : undefined)}
          onCommit={(value) => change({ ...query, limit: limitOf(value, maxNames) })}
          onRunQuery={onRunQuery}
          testId={testIds.limit}
        />
      </div>
    </>
  );
}
