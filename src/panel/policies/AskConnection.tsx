import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Badge, Button, Field, Input, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import { useId, useState, type FormEvent } from 'react';

import { SmallestFix } from '../detail/SmallestFix';
import { messageOf, type Connection, type ConnectionPath, type Fix, type Reachability } from '../engine/protocol';
import { testIds } from '../testIds';
import { text } from '../text';
import { badgeColors, toneOfComputed } from '../verdicts';
import { ReasonsOf, Texts } from './ReasonsOf';

export type Ask = (connection: Connection, withFix: boolean) => Promise<Reachability>;

/** A question with its answer, once it is there. */
interface Asked {
  connection: Connection;
  answer?: Reachability;
  error?: string;
  fix?: Fix | 'asked';
  fixError?: string;
}

/** The form that asks whether the policies allow a connection. */
export function AskConnection({ ask }: { ask: Ask }) {
  const styles = useStyles2(askStyles);
  const id = useId();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [asked, setAsked] = useState<Asked>();
  const settle = (connection: Connection, change: Partial<Asked>) =>
    setAsked((now) => (now?.connection === connection ? { ...now, ...change } : now));

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const connection = { from: from.trim(), to: to.trim() };
    setAsked({ connection });
    ask(connection, false).then(
      (answer) => settle(connection, { answer }),
      (error: unknown) => settle(connection, { error: messageOf(error) })
    );
  };
  const askFix = (connection: Connection) => {
    settle(connection, { fix: 'asked' });
    ask(connection, true).then(
      ({ fix }) => settle(connection, { fix: fix ?? undefined }),
      (error: unknown) => settle(connection, { fix: undefined, fixError: messageOf(error) })
    );
  };

  return (
    <section className={styles.section} aria-label={text.ask.title} data-testid={testIds.ask}>
      <h5>{text.ask.title}</h5>
      <form className={styles.form} onSubmit={submit}>
        <Field label={text.ask.from} htmlFor={`${id}from`} className={styles.field}>
          <Input
            id={`${id}from`}
            value={from}
            placeholder={text.ask.fromExample}
            onChange={({ currentTarget }) => setFrom(currentTarget.value)}
          />
        </Field>
        <Field label={text.ask.to} htmlFor={`${id}to`} className={styles.field}>
          <Input
            id={`${id}to`}
            value={to}
            placeholder={text.ask.toExample}
            onChange={({ currentTarget }) => setTo(currentTarget.value)}
          />
        </Field>
        <Button type="submit" variant="secondary" disabled={from.trim() === '' || to.trim() === ''}>
          {text.ask.ask}
        </Button>
      </form>
      {asked?.error !== undefined ? (
        <Alert severity="warning" title={text.ask.failed} bottomSpacing={0}>
          {asked.error}
        </Alert>
      ) : asked && !asked.answer ? (
        <LoadingPlaceholder text={text.ask.waiting} />
      ) : (
        asked?.answer && (
          <div data-testid={testIds.askAnswer}>
            {asked.answer.paths.map((path, at) => (
              <Path key={at} {...path} />
            ))}
            <Texts title={text.policies.notes} texts={asked.answer.notes} />
            {asked.answer.paths.some(({ verdict }) => verdict === 'denied') && (
              <div className={styles.fix}>
                <SmallestFix fix={asked.fix} error={asked.fixError} onAsk={() => askFix(asked.connection)} />
              </div>
            )}
          </div>
        )
      )}
    </section>
  );
}

function Path({ source, destination, traffic, verdict, steps, alone }: ConnectionPath) {
  const styles = useStyles2(askStyles);
  return (
    <>
      <div className={styles.path}>
        <Badge text={verdict} color={badgeColors[toneOfComputed(verdict)]} />{' '}
        {text.ask.path(source, destination, traffic)}
      </div>
      {steps.length === 0 && <p className={styles.hint}>{text.ask.outside}</p>}
      <ol className={styles.steps}>
        {steps.map(({ kind, about, verdict: own, sentence, ...reasons }, at) => (
          <li key={at} data-testid={testIds.askStep}>
            <div>
              {kind} {about} <Badge text={own} color={badgeColors[toneOfComputed(own)]} />
            </div>
            <div className={styles.hint}>{sentence}</div>
            <ReasonsOf {...reasons} />
          </li>
        ))}
      </ol>
      {alone !== null && <p className={styles.hint}>{alone}</p>}
    </>
  );
}

function askStyles(theme: GrafanaTheme2) {
  return {
    section: css({ paddingBottom: theme.spacing(2), borderBottom: `1px solid ${theme.colors.border.weak}` }),
    form: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-end', gap: theme.spacing(1) }),
    field: css({ flex: '1 1 200px', marginBottom: 0 }),
    path: css({ margin: theme.spacing(1.5, 0, 0) }),
    steps: css({ margin: theme.spacing(0.5, 0, 0, 2.5), '& > li': { marginTop: theme.spacing(1) } }),
    hint: css({ margin: 0, color: theme.colors.text.secondary }),
    fix: css({ marginTop: theme.spacing(1.5) }),
  };
}
