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

/** Time that "Copied" is shown for, in milliseconds. */
const shownMs = 2_000;

/**
 * A button that copies the `hubble observe` line of the same flows, with variables replaced. Not Grafana's
 * `ClipboardButton`: its `getText` is synchronous, and the backend writes this line.
 */
export function CopyCommand({ query, datasource }: Props) {
  const [result, setResult] = useState<{ text: string; failed: boolean }>();

  useEffect(() => {
    if (result && !result.failed) {
      const timer = setTimeout(() => setResult(undefined), shownMs);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [result]);

  const copy = async (button: HTMLElement) => {
    try {
      await toClipboard(await datasource.command(query), button);
      setResult({ text: text.flows.copied, failed: false });
    } catch (error) {
      setResult({ text: text.flows.copyFailed(reasonOf(error)), failed: true });
    }
  };
  return (
    <>
      <Button
        size="sm"
        fill="text"
        variant="secondary"
        icon={result && !result.failed ? 'check' : 'copy'}
        onClick={(event) => void copy(event.currentTarget)}
        data-testid={testIds.copyCommand}
      >
        {text.flows.copy}
      </Button>
      <span role="status">{result?.text}</span>
    </>
  );
}

/** Writes to the clipboard, also of a page that was not loaded by HTTPS: there a selection is copied. */
async function toClipboard(line: string, beside: HTMLElement): Promise<void> {
  if (window.isSecureContext && 'clipboard' in navigator) {
    return navigator.clipboard.writeText(line);
  }
  const area = document.createElement('textarea');
  area.value = line;
  // Beside the button: a drawer or modal keeps the focus within itself.
  beside.after(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) {
    throw new Error(line);
  }
}
