import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2, type Monaco, type MonacoEditor } from '@grafana/ui';
import { useEffect, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import type { LineProblem } from '../query/conversion';
import { testIds } from '../testIds';
import { text } from '../text';
import { useDraft } from '../useDraft';
import { completeObserve, languageId, markers, registerObserve } from './observeLanguage';
import { QueryField } from './QueryField';

interface Props {
  value: string;
  datasource: Pick<HubbleDataSource, 'convert' | 'suggestions' | 'templateVariables'>;
  onCommit(line: string): void;
  onRunQuery(): void;
}

interface Problems {
  errors: LineProblem[];
  warnings: LineProblem[];
}

const minLines = 1;
const maxLines = 8;
/** Columns after which a line wraps, roughly; it only decides the height until Monaco has measured. */
const columns = 140;
/** Pause in typing after which the line is checked, in milliseconds. */
const checkAfterMs = 300;
const none: Problems = { errors: [], warnings: [] };

/** A field for a `hubble observe` line, with faults underlined. It reports its text on blur and on Shift+Enter. */
export function LineEditor({ value, datasource, onCommit, onRunQuery }: Props) {
  const styles = useStyles2(lineStyles);
  const [draft, setDraft] = useDraft(value, String);
  const [problems, setProblems] = useState(none);
  const [mounted, setMounted] = useState<{ monaco: Monaco; editor: MonacoEditor }>();

  useEffect(() => {
    let isCurrent = true;
    const check = async () => {
      try {
        const { errors, warnings } =
          draft.trim() === '' ? none : await datasource.convert({ text: draft, editorMode: 'text' });
        if (isCurrent) {
          setProblems({ errors, warnings });
        }
      } catch {
        // The query reports the fault when it runs.
        if (isCurrent) {
          setProblems(none);
        }
      }
    };
    const timer = setTimeout(() => void check(), checkAfterMs);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [draft, datasource]);

  useEffect(() => {
    const model = mounted?.editor.getModel();
    if (mounted && model) {
      mounted.monaco.editor.setModelMarkers(model, languageId, markers(mounted.monaco, model, problems));
    }
  }, [mounted, problems]);

  const isChanged = (line: string) => line.trim() !== value.trim();
  const commit = (line: string) => {
    setDraft(line);
    if (isChanged(line)) {
      onCommit(line);
    }
  };
  return (
    <div role="group" aria-label={text.flows.line} data-testid={testIds.line}>
      <QueryField
        language={languageId}
        value={value}
        ariaLabel={text.flows.line}
        minLines={linesOf(draft)}
        onBeforeMount={registerObserve}
        onMount={(editor, monaco) => {
          setMounted({ monaco, editor });
          return completeObserve(monaco, editor, datasource);
        }}
        onType={setDraft}
        onCommit={commit}
        onRun={(line) => (isChanged(line) ? commit(line) : onRunQuery())}
      />
      {draft.trim() === '' && <p className={styles.hint}>{text.flows.lineHint}</p>}
      <ul className={styles.problems} aria-live="polite" data-testid={testIds.lineProblems}>
        {problems.errors.map((problem, at) => (
          <li key={`error ${at}`} className={styles.error}>
            {problem.text}
          </li>
        ))}
        {problems.warnings.map((problem, at) => (
          <li key={`warning ${at}`}>{problem.text}</li>
        ))}
      </ul>
    </div>
  );
}

function linesOf(line: string): number {
  const lines = line.split('\n').reduce((sum, part) => sum + Math.max(1, Math.ceil(part.length / columns)), 0);
  return Math.min(maxLines, Math.max(minLines, lines));
}

function lineStyles(theme: GrafanaTheme2) {
  return {
    problems: css({
      listStyle: 'none',
      margin: theme.spacing(0.5, 0, 0),
      fontSize: theme.typography.bodySmall.fontSize,
      color: theme.colors.text.secondary,
    }),
    hint: css({
      margin: theme.spacing(0.5, 0, 0),
      fontSize: theme.typography.bodySmall.fontSize,
      color: theme.colors.text.secondary,
    }),
    error: css({ color: theme.colors.error.text }),
  };
}
