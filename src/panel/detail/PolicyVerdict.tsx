import { css, cx } from '@emotion/css';
import type { GrafanaTheme2, TimeZone } from '@grafana/data';
import { Alert, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';

import type { Explanation, Rule } from '../engine/protocol';
import { Quote } from '../policies/Quote';
import { testIds } from '../testIds';
import { text } from '../text';
import { toneColors, toneOfAgreement } from '../verdicts';
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
  const { sentence, agreement, comparison, deciding, nearMisses, lost, more, missing, attribution, notes } =
    explanation;
  const compared = inZone(comparison, timeZone);
  const styles = useStyles2(verdictStyles);
  return (
    <>
      <p className={styles.sentence} data-testid={testIds.policySentence}>
        {agreement !== null && (
          <strong className={cx(styles.badge, styles[toneOfAgreement(agreement)])} title={compared}>
            {agreement}
          </strong>
        )}
        {sentence}
      </p>
      {(agreement === 'differs' || agreement === 'judged by later policies') && (
        <p className={styles.hint}>{compared}</p>
      )}
      <Texts title={text.policies.notes} texts={notes} />
      <Rules title={text.policies.deciding} rules={deciding} />
      <Rules title={text.policies.nearMisses} rules={nearMisses} />
      <Rules title={text.policies.lost} rules={lost} />
      {more > 0 && <p className={styles.hint}>{text.policies.more(more)}</p>}
      <Texts title={text.policies.missing} texts={missing} />
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

function Part({ title, children }: { title: string; children: ReactNode }) {
  const styles = useStyles2(verdictStyles);
  return (
    <div className={styles.part}>
      <h6 className={styles.title}>{title}</h6>
      {children}
    </div>
  );
}

function Texts({ title, texts }: { title: string; texts: string[] }) {
  const styles = useStyles2(verdictStyles);
  return texts.length === 0 ? null : (
    <Part title={title}>
      <ul className={styles.list}>
        {texts.map((line, at) => (
          <li key={at}>{line}</li>
        ))}
      </ul>
    </Part>
  );
}

function Rules({ title, rules }: { title: string; rules: Rule[] }) {
  const styles = useStyles2(verdictStyles);
  return rules.length === 0 ? null : (
    <Part title={title}>
      <ul className={styles.list}>
        {rules.map((rule, at) => (
          <li key={at} className={styles.rule} data-testid={testIds.policyRule}>
            <div>
              <span className={styles.policy}>{rule.policy}</span> {rule.clause}
              {rule.text && <span className={styles.why}> – {rule.text}</span>}
            </div>
            <Quote {...rule} />
          </li>
        ))}
      </ul>
    </Part>
  );
}

function verdictStyles(theme: GrafanaTheme2) {
  const colors = toneColors(theme);
  const tone = (name: keyof typeof colors) => css({ color: colors[name].text, borderColor: colors[name].mark });
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
    badge: css({
      marginRight: theme.spacing(1),
      padding: theme.spacing(0, 0.75),
      borderRadius: theme.shape.radius.pill,
      border: '1px solid',
      fontWeight: theme.typography.fontWeightMedium,
      whiteSpace: 'nowrap',
    }),
    hint: css({ margin: 0, color: theme.colors.text.secondary }),
    part: css({ marginTop: theme.spacing(1.5) }),
    title: css({ margin: 0, fontSize: theme.typography.bodySmall.fontSize, color: theme.colors.text.secondary }),
    list: css({ listStyle: 'none', margin: 0 }),
    rule: css({ marginTop: theme.spacing(0.5) }),
    policy: css({ fontWeight: theme.typography.fontWeightMedium }),
    why: css({ color: theme.colors.text.secondary }),
    names: css({
      display: 'grid',
      gridTemplateColumns: 'max-content 1fr',
      columnGap: theme.spacing(1.5),
      margin: 0,
      dt: { fontWeight: theme.typography.fontWeightRegular, color: theme.colors.text.secondary },
      dd: { margin: 0 },
    }),
    bad: tone('bad'),
    doubtful: tone('doubtful'),
    diverted: tone('diverted'),
    good: tone('good'),
    passing: tone('passing'),
    neutral: tone('neutral'),
  };
}
