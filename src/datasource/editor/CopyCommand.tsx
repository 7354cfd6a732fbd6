import { Button } from '@grafana/ui';
import { useEffect, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import { reasonOf } from '../failure';
import type { RelayQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';

interface Props {
  query: RelayQuery;
  datasource: Pick<HubbleDataSource, 'command'>;
}

const shownMs = 2_000;

/** Copies the `hubble observe` line that shows the same flows, with variables replaced. */
export function CopyCommand({ query, datasource }: Props) {
  const [said, setSaid] = useState<{ text: string; failed: boolean }>();

  useEffect(() => {
    if (said && !said.failed) {
      const timer = setTimeout(() => setSaid(undefined), shownMs);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [said]);

  const copy = async () => {
    try {
      await toClipboard(await datasource.command(query));
      setSaid({ text: text.flows.copied, failed: false });
    } catch (error) {
      setSaid({ text: text.flows.copyFailed(reasonOf(error)), failed: true });
    }
  };
  return (
    <>
      <Button
        size="sm"
        fill="text"
        variant="secondary"
        icon={said && !said.failed ? 'check' : 'copy'}
        onClick={() => void copy()}
        data-testid={testIds.copyCommand}
      >
        {text.flows.copy}
      </Button>
      <span role="status">{said?.text}</span>
    </>
  );
}

/** The clipboard of a page that was not loaded by HTTPS is reached by a selection only. */
async function toClipboard(line: string): Promise<void> {
  if (window.isSecureContext && 'clipboard' in navigator) {
    return navigator.clipboard.writeText(line);
  }
  const area = document.createElement('textarea');
  area.value = line;
  document.body.appendChild(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) {
    throw new Error(line);
  }
}
