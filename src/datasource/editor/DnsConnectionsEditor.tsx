import { useId } from 'react';

import { defaultNames, maxNames, type DnsConnectionsQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import { CommittedInput } from './CommittedInput';
import { LimitInput } from './LimitInput';
import { QueryRows, type EditorProps } from './QueryRows';

/** The editor of DNS queries: filters, an address among the answers, and limit. */
export function DnsConnectionsEditor(props: EditorProps<DnsConnectionsQuery>) {
  const { query, onChange, onRunQuery } = props;
  return (
    <QueryRows {...props}>
      <CommittedInput
        label={text.dnsConnections.ip}
        tooltip={text.dnsConnections.ipHint}
        id={useId()}
        width={24}
        value={query.ip ?? ''}
        onCommit={(ip) => {
          onChange({ ...query, ip: ip.trim() || undefined });
          onRunQuery();
        }}
        onRunQuery={onRunQuery}
        testId={testIds.ip}
      />
      <LimitInput {...props} words={text.dnsConnections} defaultLimit={defaultNames} max={maxNames} />
    </QueryRows>
  );
}
