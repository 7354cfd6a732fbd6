import { css, cx } from '@emotion/css';
import type { GrafanaTheme2, TimeZone } from '@grafana/data';
import { Alert, Button, ClipboardButton, Drawer, FilterInput, Icon, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import { useMemo, useState } from 'react';

import type { FlowDetail } from '../flowsState';
import type { PoliciesFreshness } from '../policies/policyFrames';
import { testIds } from '../testIds';
import { text } from '../text';
import { toneColors, toneOf } from '../verdicts';
import { fieldsOf, indented, matching } from './fields';
import { PolicyVerdict } from './PolicyVerdict';
import { SmallestFix } from './SmallestFix';

/** The look of the buttons that lead to other flows. */
const stepLook = { size: 'sm', variant: 'secondary', fill: 'text' } as const;

interface Props {
  detail: FlowDetail;
  /** Whether policies are configured. */
  judges: boolean;
  freshness: PoliciesFreshness | undefined;
  timeZone: TimeZone;
  onFix(): void;
  /** Opens the flow before (-1) or after (1) this one in the table. */
  onStep(step: number): void;
  onClose(): void;
}

/** The drawer of one flow: verdict by policies, smallest fix, and all fields. */
export function FlowDrawer({ detail, judges, freshness, timeZone, onFix, onStep, onClose }: Props) {
  const styles = useStyles2(headlineStyles);
  return (
    <Drawer title={text.detail.title} subtitle={<Headline {...detail.cells} />} size="md" onClose={onClose}>
      <div className={styles.steps}>
        <Button {...stepLook} icon="arrow-up" onClick={() => onStep(-1)} data-testid={testIds.previous}>
          {text.detail.previous}
        </Button>
        <Button {...stepLook} icon="arrow-down" onClick={() => onStep(1)} data-testid={testIds.next}>
          {text.detail.next}
        </Button>
      </div>
      <PolicyVerdict
        explanation={detail.explanation}
        error={detail.explanationError}
        judges={judges}
        freshness={freshness}
        timeZone={timeZone}
      />
      {detail.explanation?.verdict === 'denied' && (
        <SmallestFix fix={detail.fix} error={detail.fixError} onAsk={onFix} />
      )}
      <div data-testid={testIds.detail}>
        {detail.error !== undefined ? (
          <Alert severity="error" title={text.detail.failed}>
            {detail.error}
          </Alert>
        ) : detail.json === undefined ? (
          <LoadingPlaceholder text={text.detail.loading} />
        ) : (
          <Fields json={detail.json} />
        )}
      </div>
    </Drawer>
  );
}

/** The summary of a flow: verdict, drop reason, source and destination. */
function Headline({ verdict, source, destination, summary, dropReason }: FlowDetail['cells']) {
  const styles = useStyles2(headlineStyles);
  return (
    <div className={styles.headline}>
      <span className={cx(styles.verdict, styles[toneOf(verdict)])}>{verdict}</span>
      {dropReason && <span>{dropReason}</span>}
      <span className={styles.ends}>
        {source || text.detail.unknown} <Icon name="arrow-right" size="sm" aria-label={text.detail.to} />{' '}
        {destination || text.detail.unknown}
      </span>
      {summary && <span className={styles.ends}>{summary}</span>}
    </div>
  );
}

function Fields({ json }: { json: string }) {
  const styles = useStyles2(fieldStyles);
  const [filter, setFilter] = useState('');
  const fields = useMemo(() => fieldsOf(json), [json]);
  const shown = matching(fields, filter);
  return (
    <>
      <div className={styles.tools}>
        <FilterInput
          value={filter}
          onChange={setFilter}
          escapeRegex={false}
          placeholder={text.detail.filterPlaceholder}
          aria-label={text.detail.filterLabel}
          data-testid={testIds.detailFilter}
        />
        <ClipboardButton icon="copy" variant="secondary" getText={() => indented(json)} data-testid={testIds.copyJson}>
          {text.detail.copyJson}
        </ClipboardButton>
      </div>
      {shown.length === 0 && <p>{text.detail.noFields}</p>}
      <table className={styles.fields} aria-label={text.detail.fieldsLabel}>
        <thead className="sr-only">
          <tr>
            <th scope="col">{text.detail.field}</th>
            <th scope="col">{text.detail.value}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ path, values }) => (
            <tr key={path} data-testid={testIds.detailField}>
              <th scope="row" className={styles.path}>
                {path}
              </th>
              <td className={styles.value}>
                {values.map((value, at) => (
                  <div key={at} className={styles.item}>
                    {value}
                  </div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function headlineStyles(theme: GrafanaTheme2) {
  const colors = toneColors(theme);
  return {
    headline: css({ display: 'flex', flexWrap: 'wrap', columnGap: theme.spacing(1.5), rowGap: theme.spacing(0.25) }),
    steps: css({ display: 'flex', gap: theme.spacing(1), marginBottom: theme.spacing(1) }),
    verdict: css({ fontWeight: theme.typography.fontWeightMedium }),
    ends: css({ overflowWrap: 'anywhere' }),
    bad: css({ color: colors.bad.text }),
    doubtful: css({ color: colors.doubtful.text }),
    diverted: css({ color: colors.diverted.text }),
    good: css({ color: colors.good.text }),
    passing: css({ color: colors.passing.text }),
    neutral: css({ color: colors.neutral.text }),
  };
}

function fieldStyles(theme: GrafanaTheme2) {
  return {
    tools: css({ display: 'flex', gap: theme.spacing(1), marginBottom: theme.spacing(1.5) }),
    fields: css({
      width: '100%',
      tableLayout: 'fixed',
      fontSize: theme.typography.bodySmall.fontSize,
      fontFamily: theme.typography.fontFamilyMonospace,
      'tbody tr': { borderBottom: `1px solid ${theme.colors.border.weak}` },
      'tbody tr:hover': { background: theme.colors.action.hover },
    }),
    path: css({
      width: '40%',
      padding: theme.spacing(0.5, 1, 0.5, 0),
      verticalAlign: 'top',
      textAlign: 'left',
      fontWeight: theme.typography.fontWeightRegular,
      color: theme.colors.text.secondary,
      overflowWrap: 'anywhere',
    }),
    value: css({
      padding: theme.spacing(0.5, 0),
      verticalAlign: 'top',
      overflowWrap: 'anywhere',
      whiteSpace: 'pre-wrap',
    }),
    // Wrapped lines are indented, to set the values of a list apart.
    item: css({ paddingLeft: '2ch', textIndent: '-2ch' }),
  };
}
