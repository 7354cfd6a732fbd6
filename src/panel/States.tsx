import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Button, Spinner, useStyles2 } from '@grafana/ui';

import type { ForeignFrame } from './frames';
import { testIds } from './testIds';
import { text } from './text';

export function Waiting({ message }: { message: string }) {
  const styles = useStyles2(stateStyles);
  return (
    <div className={styles.state} role="status" data-testid={testIds.loading}>
      <Spinner size="lg" />
      <span className={styles.hint}>{message}</span>
    </div>
  );
}

interface EmptyProps {
  title: string;
  hint: string;
  /** What the hint is about, one by one. */
  reasons?: string[];
  action?: { label: string; run(): void };
}

export function EmptyAnswer({ title, hint, reasons = [], action }: EmptyProps) {
  const styles = useStyles2(stateStyles);
  return (
    <div className={styles.state} role="status" data-testid={testIds.empty}>
      <strong>{title}</strong>
      <span className={styles.hint}>{hint}</span>
      {reasons.length > 0 && (
        <ul className={styles.reasons}>
          {[...new Set(reasons)].map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {action && (
        <Button size="sm" variant="secondary" onClick={action.run}>
          {action.label}
        </Button>
      )}
    </div>
  );
}

export function ErrorAnswer({ title, messages }: { title: string; messages: string[] }) {
  const styles = useStyles2(stateStyles);
  return (
    <div className={styles.scroll} data-testid={testIds.error}>
      <Alert severity="error" title={title}>
        {[...new Set(messages)].map((message) => (
          <p key={message} className={styles.message}>
            {message}
          </p>
        ))}
      </Alert>
    </div>
  );
}

interface ForeignProps {
  foreign: ForeignFrame[];
  /** Above a table that other queries fill. */
  inline?: boolean;
}

/** Frames of another kind, and what to do about them. */
export function ForeignAnswer({ foreign, inline = false }: ForeignProps) {
  const styles = useStyles2(stateStyles);
  return (
    <div className={inline ? undefined : styles.scroll} data-testid={testIds.foreign}>
      <Alert severity="info" title={text.states.foreignTitle} bottomSpacing={0}>
        {foreign.map((frame, at) => (
          <p key={at} className={styles.message}>
            {sentenceOf(frame)}
          </p>
        ))}
      </Alert>
    </div>
  );
}

function sentenceOf({ refId, kind, format }: ForeignFrame): string {
  const who = refId ? text.foreign.query(refId) : text.foreign.unnamed;
  switch (kind) {
    case 'otherFormat':
      return text.foreign.otherFormat(who);
    case 'newerFormat':
      return text.foreign.newerFormat(who, format ?? '');
    case 'broken':
      return text.foreign.broken(who);
  }
}

function stateStyles(theme: GrafanaTheme2) {
  return {
    state: css({
      flex: 1,
      minHeight: 0,
      overflow: 'auto',
      display: 'flex',
      flexDirection: 'column',
      alignItems: 'center',
      justifyContent: 'safe center',
      gap: theme.spacing(1),
      padding: theme.spacing(1),
      textAlign: 'center',
    }),
    scroll: css({ flex: 1, minHeight: 0, overflow: 'auto' }),
    hint: css({ color: theme.colors.text.secondary, maxWidth: 560, textWrap: 'balance' }),
    reasons: css({ color: theme.colors.text.secondary, maxWidth: 560, textAlign: 'left', overflowWrap: 'anywhere' }),
    message: css({ margin: 0, overflowWrap: 'anywhere' }),
  };
}
