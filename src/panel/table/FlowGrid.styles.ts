import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';

import { toneColors, type VerdictTone } from '../verdicts';

export type GridClasses = ReturnType<typeof gridStyles>;

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
      background: theme.colors.background.primary,
      borderBottom: `1px solid ${theme.colors.border.weak}`,
      '&:hover': { background: theme.colors.background.secondary },
    }),
    // Opaque: pinned cells cover the others.
    activeRow: css({
      background: theme.colors.background.canvas,
      outline: `1px solid ${theme.colors.primary.border}`,
      outlineOffset: '-1px',
      '&:hover': { background: theme.colors.background.canvas },
    }),
    part: css({ color: theme.colors.text.secondary, '& > :first-of-type': { paddingLeft: theme.spacing(4) } }),
    group: css({ fontWeight: theme.typography.fontWeightMedium, background: theme.colors.background.secondary }),
    groupCell: css({
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(1),
      position: 'sticky',
      left: 0,
      padding: theme.spacing(0, 1),
      minWidth: 0,
      whiteSpace: 'nowrap',
    }),
    groupKeys: css({ overflow: 'hidden', textOverflow: 'ellipsis' }),
    groupFacts: css({
      color: theme.colors.text.secondary,
      fontWeight: theme.typography.fontWeightRegular,
      fontVariantNumeric: 'tabular-nums',
    }),
    bad: css({ color: colors.bad.text }),
    parts: css({
      display: 'inline-flex',
      alignItems: 'center',
      verticalAlign: 'bottom',
      height: '100%',
      marginRight: theme.spacing(0.5),
      color: theme.colors.text.secondary,
    }),
    pinned: css({ position: 'sticky', zIndex: 1, background: 'inherit', alignSelf: 'stretch' }),
    pinnedEdge: css({ borderRight: `1px solid ${theme.colors.border.medium}` }),
    activeCell: css({ outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: '-2px' }),
    actions: css({
      position: 'absolute',
      right: 0,
      top: 0,
      bottom: 0,
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(0.25),
      padding: theme.spacing(0, 0.5),
      background: theme.colors.background.secondary,
      boxShadow: `-8px 0 8px ${theme.colors.background.secondary}`,
    }),
    edge: byTone((tone) => css({ boxShadow: `inset 3px 0 0 ${colors[tone].mark}` })),
    tone: byTone((tone) => css({ color: colors[tone].text })),
    cell: css({
      flex: 'none',
      position: 'relative',
      alignSelf: 'stretch',
      display: 'block',
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
