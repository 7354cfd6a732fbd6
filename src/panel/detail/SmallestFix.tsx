import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Button, ClipboardButton, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import { useRef } from 'react';

import type { Fix } from '../engine/protocol';
import { codeStyle } from '../policies/Quote';
import { testIds } from '../testIds';
import { text } from '../text';

/** Maximum number of other flows that are listed. */
const namedLimit = 20;

interface Props {
  /** Absent until requested. */
  fix: Fix | 'asked' | undefined;
  error: string | undefined;
  onAsk(): void;
}

/** The smallest addition to the policies that allows a denied flow, with a copy button. */
export function SmallestFix({ fix, error, onAsk }: Props) {
  const styles = useStyles2(fixStyles);
  const section = useRef<HTMLElement>(null);
  // The click removes the button. Without the focus, Escape would no longer close the drawer.
  const ask = () => {
    section.current?.focus();
    onAsk();
  };
  return (
    <section
      ref={section}
      tabIndex={-1}
      className={styles.section}
      aria-label={text.fix.title}
      data-testid={testIds.fix}
    >
      {error !== undefined ? (
        <Alert severity="warning" title={text.fix.failed} bottomSpacing={0}>
          {error}
        </Alert>
      ) : fix === 'asked' ? (
        <LoadingPlaceholder text={text.fix.waiting} className={styles.hint} />
      ) : fix ? (
        <Answer fix={fix} />
      ) : (
        <Button variant="secondary" icon="wrench" onClick={ask} tooltip={text.fix.hint} data-testid={testIds.askFix}>
          {text.fix.ask}
        </Button>
      )}
    </section>
  );
}

function Answer({ fix }: { fix: Fix }) {
  const styles = useStyles2(fixStyles);
  const others = fix.alsoAllowed.slice(0, namedLimit);
  const more = fix.alsoAllowed.length - others.length;
  const reasons = fix.unfixed.map(({ reason }) => reason).join('; ');
  // An addition that does not help is not shown.
  if (fix.fixed.length === 0) {
    return <p className={styles.hint}>{reasons !== '' ? text.fix.unfixed(reasons) : text.fix.passes}</p>;
  }
  return (
    <>
      {fix.edits.map((edit, at) => (
        <Code key={at} title={text.fix.edit(edit.file, edit.policy, edit.list)} code={edit.inserted} />
      ))}
      {fix.texts.map(({ file, text: whole }) => (
        <ClipboardButton key={file} icon="copy" size="sm" variant="secondary" getText={() => whole}>
          {text.fix.copyFile(file)}
        </ClipboardButton>
      ))}
      {fix.yaml !== '' && <Code title={text.fix.add} code={fix.yaml} copy />}
      {reasons !== '' && <p className={styles.hint}>{text.fix.partly(reasons)}</p>}
      {fix.stillDenied.length > 0 && (
        <div data-testid={testIds.stillDenied}>
          <p className={styles.hint}>{text.fix.stillDenied}</p>
          <ul className={styles.list}>
            {fix.stillDenied.map((line, at) => (
              <li key={at}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      <div data-testid={testIds.alsoAllowed}>
        <p className={styles.hint}>{others.length === 0 ? text.fix.nothingElse : text.fix.alsoAllowed}</p>
        <ul className={styles.list}>
          {others.map((line, at) => (
            <li key={at}>{line}</li>
          ))}
        </ul>
        {more > 0 && <p className={styles.hint}>{text.fix.more(more)}</p>}
      </div>
    </>
  );
}

function Code({ title, code, copy = false }: { title: string; code: string; copy?: boolean }) {
  const styles = useStyles2(fixStyles);
  return (
    <div>
      <div className={styles.head}>
        <span>{title}</span>
        {copy && (
          <ClipboardButton icon="copy" size="sm" variant="secondary" getText={() => code}>
            {text.fix.copy}
          </ClipboardButton>
        )}
      </div>
      <pre className={styles.code} tabIndex={0} data-testid={testIds.fixCode}>
        {code}
      </pre>
    </div>
  );
}

function fixStyles(theme: GrafanaTheme2) {
  return {
    section: css({
      display: 'flex',
      flexDirection: 'column',
      alignItems: 'stretch',
      gap: theme.spacing(1),
      marginBottom: theme.spacing(2),
      overflowWrap: 'anywhere',
      '& > button': { alignSelf: 'flex-start' },
    }),
    hint: css({ margin: 0, color: theme.colors.text.secondary }),
    head: css({ display: 'flex', justifyContent: 'space-between', alignItems: 'center', gap: theme.spacing(1) }),
    code: cx(codeStyle(theme), css({ maxHeight: 320 })),
    list: css({ margin: theme.spacing(0.5, 0, 0, 2.5) }),
  };
}
