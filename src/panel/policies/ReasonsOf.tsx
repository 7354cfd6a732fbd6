import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';

import type { Reasons, Rule } from '../engine/protocol';
import { testIds } from '../testIds';
import { text } from '../text';
import { Quote } from './Quote';

/** The reasons of a verdict, with the lines of the policies. */
export function ReasonsOf({ deciding, nearMisses, lost, more, missing, notes }: Reasons) {
  const styles = useStyles2(reasonStyles);
  return (
    <>
      <Texts title={text.policies.notes} texts={notes} />
      <Rules title={text.policies.deciding} rules={deciding} />
      <Rules title={text.policies.nearMisses} rules={nearMisses} />
      <Rules title={text.policies.lost} rules={lost} />
      {more > 0 && <p className={styles.hint}>{text.policies.more(more)}</p>}
      <Texts title={text.policies.missing} texts={missing} />
    </>
  );
}

/** A titled part of an explanation. */
export function Part({ title, children }: { title: string; children: ReactNode }) {
  const styles = useStyles2(reasonStyles);
  return (
    <div className={styles.part}>
      <h6 className={styles.title}>{title}</h6>
      {children}
    </div>
  );
}

/** A titled list of sentences; not drawn where it is empty. */
export function Texts({ title, texts }: { title: string; texts: string[] }) {
  const styles = useStyles2(reasonStyles);
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
  const styles = useStyles2(reasonStyles);
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

function reasonStyles(theme: GrafanaTheme2) {
  return {
    hint: css({ margin: 0, color: theme.colors.text.secondary }),
    part: css({ marginTop: theme.spacing(1.5) }),
    title: css({ margin: 0, fontSize: theme.typography.bodySmall.fontSize, color: theme.colors.text.secondary }),
    list: css({ listStyle: 'none', margin: 0 }),
    rule: css({ marginTop: theme.spacing(0.5) }),
    policy: css({ fontWeight: theme.typography.fontWeightMedium }),
    why: css({ color: theme.colors.text.secondary }),
  };
}
