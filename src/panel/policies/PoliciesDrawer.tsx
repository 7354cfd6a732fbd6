import { css } from '@emotion/css';
import type { GrafanaTheme2, TimeZone } from '@grafana/data';
import { Alert, Badge, Drawer, LoadingPlaceholder, useStyles2 } from '@grafana/ui';

import type { Finding } from '../engine/protocol';
import type { PoliciesCheck, PoliciesState } from '../flowsState';
import { testIds } from '../testIds';
import { text } from '../text';
import { inZone } from '../when';
import { AskConnection, type Ask } from './AskConnection';
import { Freshness } from './Freshness';
import type { PoliciesFreshness } from './policyFrames';
import { codeStyle, Quote } from './Quote';

/** Maximum number of findings that are drawn; generated policies can have thousands. */
const drawnLimit = 200;

interface Props {
  policies: PoliciesState;
  freshness: PoliciesFreshness | undefined;
  check: PoliciesCheck;
  timeZone: TimeZone;
  ask: Ask;
  onClose(): void;
}

/** The drawer with the findings about the policies, and the form that asks about a connection. */
export function PoliciesDrawer({ policies, freshness, check, timeZone, ask, onClose }: Props) {
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
        <Freshness freshness={freshness} timeZone={timeZone} />
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

const severityColors = { error: 'red', warning: 'orange', hint: 'darkgrey' } as const;

function Found({ id, severity, sentence, policy, evidence, fix, file, line, quote }: Finding) {
  const styles = useStyles2(drawerStyles);
  return (
    <li className={styles.finding} data-testid={testIds.finding}>
      <div className={styles.head}>
        <Badge text={severity} color={severityColors[severity]} />
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
  return {
    body: css({ overflowWrap: 'anywhere' }),
    hint: css({ margin: 0, color: theme.colors.text.secondary }),
    list: css({ listStyle: 'none', margin: 0 }),
    finding: css({
      padding: theme.spacing(1.5, 0),
      borderBottom: `1px solid ${theme.colors.border.weak}`,
    }),
    head: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'baseline', gap: theme.spacing(1) }),
    policy: css({ fontWeight: theme.typography.fontWeightMedium }),
    evidence: css({
      margin: theme.spacing(0.5, 0, 0, 2.5),
      color: theme.colors.text.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
    }),
    code: codeStyle(theme),
  };
}
