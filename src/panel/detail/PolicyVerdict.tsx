import { css } from '@emotion/css';
import type { GrafanaTheme2, TimeZone } from '@grafana/data';
import { Alert, Badge, LoadingPlaceholder, useStyles2 } from '@grafana/ui';

import type { Explanation } from '../engine/protocol';
import { Freshness } from '../policies/Freshness';
import type { PoliciesFreshness } from '../policies/policyFrames';
import { Part, ReasonsOf } from '../policies/ReasonsOf';
import { testIds } from '../testIds';
import { text } from '../text';
import { badgeColors, toneOfAgreement } from '../verdicts';
import { inZone } from '../when';

interface Props {
  /** Absent until the engine has answered. */
  explanation: Explanation | undefined;
  error: string | undefined;
  /** Whether policies are configured. */
  judges: boolean;
  freshness: PoliciesFreshness | undefined;
  timeZone: TimeZone;
}

/** The verdict of the policies on a flow, with the rules and lines behind it. */
export function PolicyVerdict({ explanation, error, judges, freshness, timeZone }: Props) {
  const styles = useStyles2(verdictStyles);
  return (
    <section className={styles.section} aria-label={text.policies.title} data-testid={testIds.policies}>
      {error !== undefined ? (
        <Alert severity="warning" title={text.policies.failed} bottomSpacing={0}>
          {error}
        </Alert>
      ) : explanation ? (
        <Explained {...explanation} timeZone={timeZone} />
      ) : judges ? (
        <LoadingPlaceholder text={text.policies.waiting} className={styles.hint} />
      ) : (
        <p className={styles.hint}>{text.policies.none}</p>
      )}
      <Freshness freshness={freshness} timeZone={timeZone} />
    </section>
  );
}

function Explained({ timeZone, ...explanation }: Explanation & { timeZone: TimeZone }) {
  const { sentence, agreement, comparison, attribution } = explanation;
  const compared = inZone(comparison, timeZone);
  const styles = useStyles2(verdictStyles);
  return (
    <>
      <div data-testid={testIds.policySentence}>
        {agreement !== null && (
          <>
            <Badge text={agreement} color={badgeColors[toneOfAgreement(agreement)]} title={compared} />{' '}
          </>
        )}
        {sentence}
      </div>
      {(agreement === 'differs' || agreement === 'judged by later policies') && (
        <p className={styles.hint}>{compared}</p>
      )}
      <ReasonsOf {...explanation} />
      {attribution && (
        <Part title={attribution.sentence}>
          <dl className={styles.names}>
            <dt>{text.policies.hubble}</dt>
            <dd>{attribution.hubble.join(', ')}</dd>
            <dt>{text.policies.ours}</dt>
            <dd>{attribution.ours.join(', ') || text.policies.noPolicy}</dd>
          </dl>
        </Part>
      )}
    </>
  );
}

function verdictStyles(theme: GrafanaTheme2) {
  return {
    section: css({
      marginBottom: theme.spacing(2),
      padding: theme.spacing(1.5),
      borderRadius: theme.shape.radius.default,
      border: `1px solid ${theme.colors.border.weak}`,
      background: theme.colors.background.secondary,
      overflowWrap: 'anywhere',
    }),
    hint: css({ margin: 0, color: theme.colors.text.secondary }),
    names: css({
      display: 'grid',
      gridTemplateColumns: 'max-content 1fr',
      columnGap: theme.spacing(1.5),
      margin: 0,
      dt: { fontWeight: theme.typography.fontWeightRegular, color: theme.colors.text.secondary },
      dd: { margin: 0 },
    }),
  };
}
