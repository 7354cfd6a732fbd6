import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

import type { PolicyLocation } from '../engine/protocol';
import { text } from '../text';

/** A quoted line of a policy file; not drawn without a file and line. */
export function Quote({ file, line, quote }: Partial<PolicyLocation>) {
  const styles = useStyles2(quoteStyles);
  if (file === undefined || line === undefined || line === 0) {
    return null;
  }
  return (
    <>
      <div className={styles.place}>{text.policies.place(file, line)}</div>
      <pre className={styles.quote} tabIndex={0}>
        <span className={styles.number}>{line}</span>
        {quote}
      </pre>
    </>
  );
}

/** A box of code. */
export function codeStyle(theme: GrafanaTheme2) {
  return css({
    margin: theme.spacing(0.25, 0, 0),
    padding: theme.spacing(0.5, 1),
    background: theme.colors.background.canvas,
    border: `1px solid ${theme.colors.border.weak}`,
    fontSize: theme.typography.bodySmall.fontSize,
    overflow: 'auto',
    whiteSpace: 'pre',
  });
}

function quoteStyles(theme: GrafanaTheme2) {
  return {
    place: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
    quote: codeStyle(theme),
    number: css({
      display: 'inline-block',
      marginRight: theme.spacing(1.5),
      color: theme.colors.text.secondary,
      userSelect: 'none',
    }),
  };
}
