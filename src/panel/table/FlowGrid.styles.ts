import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';

import { toneColors, type VerdictTone } from '../verdicts';

export function gridStyles(theme: GrafanaTheme2) {
  const colors = toneColors(theme);
  const byTone = <T>(make: (tone: VerdictTone) => T): Record<VerdictTone, T> => ({
    bad: make('bad'),
    doubtful: make('doubtful'),
    diverted: make('diverted'),
    good: make('good'),
    passing: make('passing'),
    neutral: make('neutral'),
  });
  return {
    grid: css({
      flex: 1,
      minHeight: 0,
      overflow: 'auto',
      position: 'relative',
      // The header covers the rows scrolled beneath it.
      isolation: 'isolate',
      fontSize: theme.typography.bodySmall.fontSize,
      borderTop: `1px solid ${theme.colors.border.weak}`,
      '&:focus-visible': { outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: '-2px' },
    }),
    head: css({
      position: 'sticky',
      top: 0,
      zIndex: 1,
      minWidth: '100%',
      background: theme.colors.background.primary,
      borderBottom: `1px solid ${theme.colors.border.medium}`,
    }),
    headRow: css({ display: 'flex', height: '100%' }),
    body: css({ position: 'relative', minWidth: '100%' }),
    row: css({
      display: 'flex',
      alignItems: 'center',
      position: 'absolute',
      top: 0,
      left: 0,
      minWidth: '100%',
      cursor: 'pointer',
      borderBottom: `1px solid ${theme.colors.border.weak}`,
      '&:hover': { background: theme.colors.action.hover },
    }),
    activeRow: css({
      background: theme.colors.action.selected,
      '&:hover': { background: theme.colors.action.selected },
    }),
    edge: byTone((tone) => css({ boxShadow: `inset 3px 0 0 ${colors[tone].mark}` })),
    tone: byTone((tone) => css({ color: colors[tone].text })),
    cell: css({
      flex: 'none',
      padding: theme.spacing(0, 1),
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'nowrap',
      '&:first-of-type': { paddingLeft: theme.spacing(1.5) },
    }),
    numeric: css({ textAlign: 'right', fontVariantNumeric: 'tabular-nums' }),
    time: css({ fontVariantNumeric: 'tabular-nums', color: theme.colors.text.secondary }),
    verdict: css({ fontWeight: theme.typography.fontWeightMedium }),
  };
}
