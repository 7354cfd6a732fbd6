import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { FilterInput, useStyles2 } from '@grafana/ui';

import { Actions, type ActionsProps } from './Actions';
import type { FlowBatch, FlowsView, ViewSpec } from './engine/protocol';
import type { FlowsModel } from './FlowsModel';
import { testIds } from './testIds';
import { text } from './text';
import { agreementsInOrder, inOrder, toneColors, toneOf, toneOfAgreement, type VerdictTone } from './verdicts';

/** Below this width in pixels what can be done goes into a menu, and the choices stay in one row. */
const roomyWidth = 640;

interface Props extends ActionsProps {
  model: FlowsModel;
  batch: FlowBatch;
  view: FlowsView;
  spec: ViewSpec;
  width: number;
}

/** Filter by text and verdict, and how much of the answer that leaves. */
export function Toolbar({ model, batch, view, spec, width, ...actions }: Props) {
  const styles = useStyles2(toolbarStyles);
  const isNarrow = width < roomyWidth;
  const choices = cx(styles.verdicts, isNarrow && styles.oneRow);
  const counts = new Map(view.verdictCounts.map(({ verdict, flows }) => [verdict, flows]));
  // Those that were chosen stay there to be taken back, although this answer has none of them.
  const verdicts = inOrder([...new Set([...batch.verdicts, ...spec.verdicts])]);
  const agreementCounts = new Map(view.agreementCounts.map(({ agreement, flows }) => [agreement, flows]));
  const agreements = agreementsInOrder([...new Set([...batch.agreements, ...spec.agreements])]);
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
      <div className={choices} role="group" aria-label={text.toolbar.verdictsLabel}>
        {verdicts.map((verdict) => (
          <Choice
            key={verdict}
            label={verdict}
            tone={toneOf(verdict)}
            flows={counts.get(verdict) ?? 0}
            chosen={spec.verdicts}
            onToggle={() => model.toggleVerdict(verdict)}
            testId={testIds.verdict(verdict)}
          />
        ))}
      </div>
      {agreements.length > 0 && (
        <div className={choices} role="group" aria-label={text.toolbar.agreementsLabel}>
          {agreements.map((agreement) => (
            <Choice
              key={agreement}
              label={agreement}
              hint={text.toolbar.agreementHint(agreement)}
              tone={toneOfAgreement(agreement)}
              flows={agreementCounts.get(agreement) ?? 0}
              chosen={spec.agreements}
              onToggle={() => model.toggleAgreement(agreement)}
              testId={testIds.agreement(agreement)}
            />
          ))}
        </div>
      )}
      <div className={styles.end}>
        <span className={styles.count} aria-live="polite" data-testid={testIds.count}>
          {text.toolbar.count(view.rows.length.toLocaleString(), batch.flows.toLocaleString())}
        </span>
        <Actions model={model} isNarrow={isNarrow} {...actions} />
      </div>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  hint?: string;
  tone: VerdictTone;
  flows: number;
  /** All labels that are chosen. */
  chosen: readonly string[];
  onToggle(): void;
  testId: string;
}

/** Shows or hides the flows of one kind, and says how many there are. */
function Choice({ label, hint, tone, flows, chosen, onToggle, testId }: ChoiceProps) {
  const styles = useStyles2(toolbarStyles);
  const isChosen = chosen.includes(label);
  return (
    <button
      type="button"
      title={hint}
      aria-pressed={isChosen}
      className={cx(styles.verdict, isChosen && styles.chosen, chosen.length > 0 && !isChosen && styles.hidden)}
      onClick={onToggle}
      data-testid={testId}
    >
      <span className={cx(styles.mark, styles.marks[tone])} />
      {label}
      <span className={styles.number}>{flows.toLocaleString()}</span>
    </button>
  );
}

function toolbarStyles(theme: GrafanaTheme2) {
  const colors = toneColors(theme);
  const mark = (tone: keyof typeof colors) => css({ background: colors[tone].mark });
  return {
    toolbar: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1), flex: 'none' }),
    filter: css({ flex: '1 1 180px', maxWidth: 320, minWidth: 120 }),
    verdicts: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5) }),
    oneRow: css({ flexWrap: 'nowrap', maxWidth: '100%', overflowX: 'auto' }),
    verdict: css({
      display: 'inline-flex',
      flex: 'none',
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
      passing: mark('passing'),
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
