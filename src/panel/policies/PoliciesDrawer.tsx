import { css, cx } from '@emotion/css';
import type { GrafanaTheme2, TimeZone } from '@grafana/data';
import { Alert, Drawer, LoadingPlaceholder, useStyles2 } from '@grafana/ui';

import type { Finding } from '../engine/protocol';
import type { PoliciesCheck, PoliciesState } from '../FlowsModel';
import { testIds } from '../testIds';
import { text } from '../text';
import { toneColors } from '../verdicts';
import { inZone } from '../when';
import { AskConnection, type Ask } from './AskConnection';
import { codeStyle, Quote } from './Quote';

/** Findings that are drawn; a folder of generated policies may have thousands. */
const drawnLimit = 200;

interface Props {
  policies: PoliciesState;
  check: PoliciesCheck;
  timeZone: TimeZone;
  ask: Ask;
  onClose(): void;
}

/** The policies that flows are judged by, and what is noteworthy about them. */
export function PoliciesDrawer({ policies, check, timeZone, ask, onClose }: Props) {
  const styles = useStyles2(drawerStyles);
  const { findings, error } = check;
  const shown = findings?.slice(0, drawnLimit) ?? [];
  const more = (findings?.length ?? 0) - shown.length;
  return (
    <Drawer
      title={text.check.title}
      subtitle={text.check.subtitle(policies.compiled, policies.files.length)}
      size="md"
      onClose={onClose}
    >
      <div className={styles.body} data-testid={testIds.check}>
        <AskConnection ask={ask} />
        {error !== undefined ? (
          <Alert severity="warning" title={text.check.failed}>
            {error}
          </Alert>
        ) : findings === undefined ? (
          <LoadingPlaceholder text={text.check.waiting} />
        ) : findings.length === 0 ? (
          <p className={styles.hint}>{text.check.nothing}</p>
        ) : (
          <ul className={styles.list}>
            {shown.map((finding, at) => (
              <Found key={at} {...finding} sentence={inZone(finding.sentence, timeZone)} />
            ))}
          </ul>
        )}
        {more > 0 && <p className={styles.hint}>{text.check.more(more)}</p>}
      </div>
    </Drawer>
  );
}

function Found({ id, severity, sentence, policy, evidence, fix, file, line, quote }: Finding) {
  const styles = useStyles2(drawerStyles);
  return (
    <li className={styles.finding} data-testid={testIds.finding}>
      <div className={styles.head}>
        <strong className={cx(styles.badge, severity !== 'hint' && styles[severity])}>{severity}</strong>
        <span className={styles.hint}>{id}</span>
        {policy && <span className={styles.policy}>{policy}</span>}
      </div>
      <div>{sentence}</div>
      <Quote file={file} line={line} quote={quote} />
      {evidence.length > 0 && (
        <ul className={styles.evidence} aria-label={text.check.evidence}>
          {evidence.map((row, at) => (
            <li key={at}>{row}</li>
          ))}
        </ul>
      )}
      {fix !== null && (
        <>
          <div className={styles.hint}>{text.check.fix}</div>
          <pre className={styles.code} tabIndex={0}>
            {fix}
          </pre>
        </>
      )}
    </li>
  );
}

function drawerStyles(theme: GrafanaTheme2) {
  const colors = toneColors(theme);
  const tone = (name: keyof typeof colors) => css({ color: colors[name].text, borderColor: colors[name].mark });
  return {
    body: css({ overflowWrap: 'anywhere' }),
    hint: css({ margin: 0, color: theme.colors.text.secondary }),
    list: css({ listStyle: 'none', margin: 0 }),
    finding: css({
      padding: theme.spacing(1.5, 0),
      borderBottom: `1px solid ${theme.colors.border.weak}`,
    }),
    head: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'baseline', gap: theme.spacing(1) }),
    badge: css({
      padding: theme.spacing(0, 0.75),
      borderRadius: theme.shape.radius.pill,
      border: '1px solid',
      fontWeight: theme.typography.fontWeightMedium,
    }),
    error: tone('bad'),
    warning: tone('doubtful'),
    policy: css({ fontWeight: theme.typography.fontWeightMedium }),
    evidence: css({
      margin: theme.spacing(0.5, 0, 0, 2.5),
      color: theme.colors.text.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
    }),
    code: codeStyle(theme),
  };
}
