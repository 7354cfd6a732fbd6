import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { ClipboardButton, FilterInput, useStyles2 } from '@grafana/ui';

import type { FlowBatch, FlowsView, ViewSpec } from './engine/protocol';
import type { FlowsModel } from './FlowsModel';
import { testIds } from './testIds';
import { text } from './text';
import { inOrder, toneColors, toneOf } from './verdicts';

/** Below this width in pixels there is room for the filter and the verdicts only. */
const roomyWidth = 640;

interface Props {
  model: FlowsModel;
  batch: FlowBatch;
  view: FlowsView;
  spec: ViewSpec;
  /** The `hubble observe` lines that ask the same as the queries. */
  commands: string[];
  width: number;
}

/** Filter by text and verdict, and how much of the answer that leaves. */
export function Toolbar({ model, batch, view, spec, commands, width }: Props) {
  const styles = useStyles2(toolbarStyles);
  const counts = new Map(view.verdictCounts.map(({ verdict, flows }) => [verdict, flows]));
  // Those that were chosen stay there to be taken back, although this answer has none of them.
  const verdicts = inOrder([...new Set([...batch.verdicts, ...spec.verdicts])]);
  return (
    <div className={styles.toolbar} data-testid={testIds.toolbar}>
      <div className={styles.filter}>
        <FilterInput
          value={spec.text}
          onChange={(value) => model.setSpec({ text: value })}
          placeholder={text.toolbar.filterPlaceholder}
          aria-label={text.toolbar.filterLabel}
          escapeRegex={false}
          data-testid={testIds.filter}
        />
      </div>
      <div className={styles.verdicts} role="group" aria-label={text.toolbar.verdictsLabel}>
        {verdicts.map((verdict) => {
          const chosen = spec.verdicts.includes(verdict);
          return (
            <button
              key={verdict}
              type="button"
              aria-pressed={chosen}
              className={cx(
                styles.verdict,
                chosen && styles.chosen,
                spec.verdicts.length > 0 && !chosen && styles.hidden
              )}
              onClick={() => model.toggleVerdict(verdict)}
              data-testid={testIds.verdict(verdict)}
            >
              <span className={cx(styles.mark, styles.marks[toneOf(verdict)])} />
              {verdict}
              <span className={styles.number}>{(counts.get(verdict) ?? 0).toLocaleString()}</span>
            </button>
          );
        })}
      </div>
      {width >= roomyWidth && (
        <div className={styles.end}>
          <span className={styles.count} aria-live="polite" data-testid={testIds.count}>
            {text.toolbar.count(view.rows.length.toLocaleString(), batch.flows.toLocaleString())}
          </span>
          {commands.length > 0 && (
            <ClipboardButton
              icon="copy"
              size="sm"
              variant="secondary"
              fill="text"
              tooltip={text.toolbar.copyCommand}
              aria-label={text.toolbar.copyCommand}
              getText={() => commands.join('\n')}
              data-testid={testIds.copyCommand}
            />
          )}
        </div>
      )}
    </div>
  );
}

function toolbarStyles(theme: GrafanaTheme2) {
  const colors = toneColors(theme);
  const mark = (tone: keyof typeof colors) => css({ background: colors[tone].mark });
  return {
    toolbar: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1), flex: 'none' }),
    filter: css({ flex: '1 1 180px', maxWidth: 320, minWidth: 120 }),
    verdicts: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5) }),
    verdict: css({
      display: 'inline-flex',
      alignItems: 'center',
      gap: theme.spacing(0.75),
      height: theme.spacing(3),
      padding: theme.spacing(0, 1),
      borderRadius: theme.shape.radius.pill,
      border: `1px solid ${theme.colors.border.weak}`,
      background: theme.colors.background.secondary,
      color: theme.colors.text.primary,
      fontSize: theme.typography.bodySmall.fontSize,
      lineHeight: 1,
      '&:hover': { borderColor: theme.colors.border.strong },
      '&:focus-visible': { outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: '1px' },
    }),
    chosen: css({ borderColor: theme.colors.primary.border, background: theme.colors.action.selected }),
    hidden: css({ color: theme.colors.text.secondary, background: 'transparent' }),
    mark: css({ width: 8, height: 8, borderRadius: theme.shape.radius.circle }),
    marks: {
      bad: mark('bad'),
      doubtful: mark('doubtful'),
      diverted: mark('diverted'),
      good: mark('good'),
      neutral: mark('neutral'),
    },
    number: css({ color: theme.colors.text.secondary, fontVariantNumeric: 'tabular-nums' }),
    end: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1), marginLeft: 'auto' }),
    count: css({
      color: theme.colors.text.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
      fontVariantNumeric: 'tabular-nums',
      whiteSpace: 'nowrap',
    }),
  };
}
