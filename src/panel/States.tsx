import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Button, EmptyState, Spinner, useStyles2 } from '@grafana/ui';

import type { UnsupportedFrame } from './frames';
import { testIds } from './testIds';
import { text } from './text';

/** A spinner with a message. */
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
  /** A list below the hint. */
  reasons?: string[];
  action?: { label: string; run(): void };
}

/**
 * A message in place of the table. Not `PanelDataErrorView`, which takes no list of reasons and no action of the panel's
 * own.
 */
export function EmptyAnswer({ title, hint, reasons = [], action }: EmptyProps) {
  const styles = useStyles2(stateStyles);
  return (
    <div className={styles.state} data-testid={testIds.empty}>
      <EmptyState
        variant="not-found"
        hideImage
        role="status"
        message={title}
        button={
          action && (
            <Button size="sm" variant="secondary" onClick={action.run}>
              {action.label}
            </Button>
          )
        }
      >
        {hint}
        {reasons.length > 0 && (
          <ul className={styles.reasons}>
            {[...new Set(reasons)].map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        )}
      </EmptyState>
    </div>
  );
}

/** Errors in place of the table. */
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

interface UnsupportedProps {
  frames: UnsupportedFrame[];
  /** Whether a table of other queries follows below. */
  inline?: boolean;
}

/** The frames that the panel cannot draw, and the remedy for each. */
export function UnsupportedAnswer({ frames, inline = false }: UnsupportedProps) {
  const styles = useStyles2(stateStyles);
  return (
    <div className={inline ? undefined : styles.scroll} data-testid={testIds.unsupported}>
      <Alert severity="info" title={text.states.unsupportedTitle} bottomSpacing={0}>
        {frames.map((frame, at) => (
          <p key={at} className={styles.message}>
            {sentenceOf(frame)}
          </p>
        ))}
      </Alert>
    </div>
  );
}

function sentenceOf({ refId, kind, format }: UnsupportedFrame): string {
  const who = refId ? text.unsupported.query(refId) : text.unsupported.unnamed;
  switch (kind) {
    case 'otherFormat':
      return text.unsupported.otherFormat(who);
    case 'newerFormat':
      return text.unsupported.newerFormat(who, format ?? '');
    case 'broken':
      return text.unsupported.broken(who);
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
    reasons: css({ margin: theme.spacing(1, 0, 0, 2), textAlign: 'left', overflowWrap: 'anywhere' }),
    message: css({ margin: 0, overflowWrap: 'anywhere' }),
  };
}
