import { css, cx } from '@emotion/css';
import type { GrafanaTheme2, TimeZone } from '@grafana/data';
import { FilterInput, Icon, useStyles2 } from '@grafana/ui';

import { Actions, type ActionsProps } from './Actions';
import type { CellCondition, FlowBatch, FlowsView } from './engine/protocol';
import type { FlowsModel } from './FlowsModel';
import { Freshness } from './policies/Freshness';
import type { PoliciesFreshness } from './policies/policyFrames';
import { testIds } from './testIds';
import { titleOf } from './table/columns';
import { flowsShown } from './table/lines';
import { tableText } from './tableText';
import { text } from './text';
import { agreementsInOrder, inOrder, toneColors, toneOf, toneOfAgreement, type VerdictTone } from './verdicts';

/** Width in pixels below which the actions move into a menu and the toggles stay in one row. */
const roomyWidth = 640;

interface Props extends ActionsProps {
  batch: FlowBatch;
  view: FlowsView;
  width: number;
  /** Whether the flows are not all of the answer, so that the numbers may grow. */
  isPart: boolean;
  freshness: PoliciesFreshness | undefined;
  timeZone: TimeZone;
}

/** The toolbar: search, toggles by verdict and comparison, the number of flows, and actions. */
export function Toolbar({ batch, view, width, isPart, freshness, timeZone, ...actions }: Props) {
  const { model, spec } = actions;
  const styles = useStyles2(toolbarStyles);
  const isNarrow = width < roomyWidth;
  const choices = cx(styles.verdicts, isNarrow && styles.oneRow);
  const counts = new Map(view.verdictCounts.map(({ verdict, flows }) => [verdict, flows]));
  // Selected verdicts remain, to be deselected, although this answer may have no such flows.
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
          <VerdictToggle
            key={verdict}
            label={verdict}
            tone={toneOf(verdict)}
            flows={counts.get(verdict) ?? 0}
            isPart={isPart}
            selected={spec.verdicts}
            onToggle={() => model.toggleVerdict(verdict)}
            testId={testIds.verdict(verdict)}
          />
        ))}
      </div>
      {agreements.length > 0 && (
        <div className={choices} role="group" aria-label={text.toolbar.agreementsLabel}>
          {agreements.map((agreement) => (
            <VerdictToggle
              key={agreement}
              label={agreement}
              hint={text.toolbar.agreementHint(agreement)}
              tone={toneOfAgreement(agreement)}
              flows={agreementCounts.get(agreement) ?? 0}
              isPart={isPart}
              selected={spec.agreements}
              onToggle={() => model.toggleAgreement(agreement)}
              testId={testIds.agreement(agreement)}
            />
          ))}
        </div>
      )}
      {spec.conditions.length > 0 && (
        <div className={choices} role="group" aria-label={tableText.cell.narrowed}>
          {spec.conditions.map((condition) => (
            <Chip key={JSON.stringify(condition)} condition={condition} model={model} />
          ))}
        </div>
      )}
      <Freshness freshness={freshness} timeZone={timeZone} />
      <div className={styles.end}>
        <span
          title={view.all === batch.flows ? undefined : text.toolbar.records(batch.flows.toLocaleString())}
          className={styles.count}
          aria-live="polite"
          data-testid={testIds.count}
        >
          {text.toolbar.count(flowsShown(view).toLocaleString(), view.all.toLocaleString(), isPart)}
        </span>
        <Actions isNarrow={isNarrow} {...actions} />
      </div>
    </div>
  );
}

/** A condition on a cell, which a click removes. */
function Chip({ condition, model }: { condition: CellCondition; model: FlowsModel }) {
  const styles = useStyles2(toolbarStyles);
  const label = tableText.cell.condition(titleOf(condition.column), condition.excluded, condition.value);
  return (
    <button
      type="button"
      title={label}
      aria-label={tableText.cell.remove(label)}
      className={cx(styles.verdict, styles.selected)}
      onClick={() => model.toggleCondition(condition)}
      data-testid={testIds.chip(condition.column)}
    >
      <span className={styles.chip}>{label}</span>
      <Icon name="times" size="sm" />
    </button>
  );
}

interface VerdictToggleProps {
  label: string;
  hint?: string;
  tone: VerdictTone;
  flows: number;
  isPart: boolean;
  /** The selected labels. */
  selected: readonly string[];
  onToggle(): void;
  testId: string;
}

/**
 * A toggle for the flows of one verdict or comparison, with their number. Not Grafana's `FilterPill`, which has neither a
 * colour nor a tooltip.
 */
function VerdictToggle({ label, hint, tone, flows, isPart, selected, onToggle, testId }: VerdictToggleProps) {
  const styles = useStyles2(toolbarStyles);
  const isSelected = selected.includes(label);
  return (
    <button
      type="button"
      title={hint}
      aria-pressed={isSelected}
      className={cx(styles.verdict, isSelected && styles.selected, selected.length > 0 && !isSelected && styles.hidden)}
      onClick={onToggle}
      data-testid={testId}
    >
      <span className={cx(styles.mark, styles.marks[tone])} />
      {label}
      <span className={styles.number}>
        {isPart ? text.toolbar.part(flows.toLocaleString()) : flows.toLocaleString()}
      </span>
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
    selected: css({ borderColor: theme.colors.primary.border, background: theme.colors.action.selected }),
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
    chip: css({ maxWidth: 240, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap', lineHeight: 1.4 }),
    end: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1), marginLeft: 'auto' }),
    count: css({
      color: theme.colors.text.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
      fontVariantNumeric: 'tabular-nums',
      whiteSpace: 'nowrap',
    }),
  };
}
