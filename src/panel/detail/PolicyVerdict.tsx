import { css } from '@emotion/css';
import type { GrafanaTheme2, TimeZone } from '@grafana/data';
import { Alert, LoadingPlaceholder, useStyles2 } from '@grafana/ui';

import type { Explanation } from '../engine/protocol';
import { Badge } from '../policies/Badge';
import { Part, ReasonsOf } from '../policies/ReasonsOf';
import { testIds } from '../testIds';
import { text } from '../text';
import { toneOfAgreement } from '../verdicts';
import { inZone } from '../when';

interface Props {
  /** None until it is there. */
  explanation: Explanation | undefined;
  error: string | undefined;
  /** Whether there are policies. */
  judges: boolean;
  timeZone: TimeZone;
}

/** What the policies say about a flow, and where they say it. */
export function PolicyVerdict({ explanation, error, judges, timeZone }: Props) {
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
    </section>
  );
}

function Explained({ timeZone, ...explanation }: Explanation & { timeZone: TimeZone }) {
  const { sentence, agreement, comparison, attribution } = explanation;
  const compared = inZone(comparison, timeZone);
  const styles = useStyles2(verdictStyles);
  return (
    <>
      <p className={styles.sentence} data-testid={testIds.policySentence}>
        {agreement !== null && (
          <Badge tone={toneOfAgreement(agreement)} title={compared}>
            {agreement}
          </Badge>
        )}
        {sentence}
      </p>
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
            <dd>{attribution.ours.join(', ') || text.policies.nobody}</dd>
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
    sentence: css({ margin: 0 }),
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
