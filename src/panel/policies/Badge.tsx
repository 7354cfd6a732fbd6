import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

import { toneColors, type VerdictTone } from '../verdicts';

interface Props {
  tone: VerdictTone;
  title?: string;
  children: string;
}

/** A verdict in a word. */
export function Badge({ tone, title, children }: Props) {
  const styles = useStyles2(badgeStyles, tone);
  return (
    <strong className={styles} title={title}>
      {children}
    </strong>
  );
}

function badgeStyles(theme: GrafanaTheme2, tone: VerdictTone) {
  const { text, mark } = toneColors(theme)[tone];
  return css({
    marginRight: theme.spacing(1),
    padding: theme.spacing(0, 0.75),
    borderRadius: theme.shape.radius.pill,
    border: '1px solid',
    fontWeight: theme.typography.fontWeightMedium,
    whiteSpace: 'nowrap',
    color: text,
    borderColor: mark,
  });
}
