import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { CodeEditor, useStyles2, type Monaco, type MonacoEditor } from '@grafana/ui';
import { useEffect, useRef, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import type { LineProblem } from '../query/conversion';
import { testIds } from '../testIds';
import { text } from '../text';
import { bareEditor, heightOf, watchLines } from './bareEditor';
import { completeObserve, languageId, markers, registerObserve } from './observeLanguage';

interface Props {
  value: string;
  datasource: Pick<HubbleDataSource, 'convert' | 'suggestions' | 'templateVariables'>;
  onCommit(line: string): void;
  onRunQuery(): void;
}

interface Problems {
  errors: LineProblem[];
  remarks: LineProblem[];
}

const minLines = 1;
const maxLines = 8;
/** Columns after which a line is wrapped, roughly: only how high the editor is depends on it. */
const columns = 140;
/** Nobody types slower than this within a word. */
const checkAfterMs = 300;
const none: Problems = { errors: [], remarks: [] };

/** A `hubble observe` line, with what is wrong underlined where it stands. It counts when it is left, or on Shift+Enter. */
export function LineEditor({ value, datasource, onCommit, onRunQuery }: Props) {
  const styles = useStyles2(lineStyles);
  const [draft, setDraft] = useState(value);
  const [wrapped, setWrapped] = useState(1);
  const [base, setBase] = useState(value);
  const [problems, setProblems] = useState(none);
  const [editor, setEditor] = useState<{ monaco: Monaco; editor: MonacoEditor }>();
  const completion = useRef<{ dispose(): void } | undefined>(undefined);
  if (base !== value) {
    setBase(value);
    setDraft(value);
  }

  // Monaco keeps the first callbacks it is given.
  const latest = useRef({ value, onCommit, onRunQuery });
  useEffect(() => {
    latest.current = { value, onCommit, onRunQuery };
  });

  useEffect(() => {
    let wanted = true;
    const check = async () => {
      try {
        const { errors, remarks } =
          draft.trim() === '' ? none : await datasource.convert({ text: draft, editorMode: 'text' });
        if (wanted) {
          setProblems({ errors, remarks });
        }
      } catch {
        // What is wrong is told where the query is run.
        if (wanted) {
          setProblems(none);
        }
      }
    };
    const timer = setTimeout(() => void check(), checkAfterMs);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [draft, datasource]);

  useEffect(() => {
    const model = editor?.editor.getModel();
    if (editor && model) {
      editor.monaco.editor.setModelMarkers(model, languageId, markers(editor.monaco, model, problems));
    }
  }, [editor, problems]);

  const commit = (line: string) => {
    setDraft(line);
    if (line.trim() !== latest.current.value.trim()) {
      latest.current.onCommit(line);
    }
  };
  const onMount = (mounted: MonacoEditor, monaco: Monaco) => {
    mounted.onKeyDown((event) => {
      const completing = mounted.getContainerDomNode().querySelector('.suggest-widget.visible') !== null;
      if (event.keyCode === monaco.KeyCode.Enter && (event.shiftKey || event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation();
        const line = mounted.getValue();
        if (line.trim() !== latest.current.value.trim()) {
          commit(line);
        } else {
          latest.current.onRunQuery();
        }
      } else if (event.keyCode === monaco.KeyCode.Tab && !completing) {
        // Kept from Monaco, so that the key leads out of the editor as out of any field.
        event.stopPropagation();
      }
    });
    completion.current = completeObserve(monaco, mounted, datasource);
    mounted.onDidChangeModelContent(() => setDraft(mounted.getValue()));
    watchLines(mounted, setWrapped);
    setEditor({ monaco, editor: mounted });
  };

  return (
    <div role="group" aria-label={text.flows.line} data-testid={testIds.line}>
      <CodeEditor
        language={languageId}
        value={value}
        height={heightOf(Math.max(wrapped, linesOf(draft)))}
        showLineNumbers={false}
        showMiniMap={false}
        wordWrap
        monacoOptions={bareEditor(text.flows.line)}
        onBlur={commit}
        onSave={commit}
        onBeforeEditorMount={registerObserve}
        onEditorDidMount={onMount}
        onEditorWillUnmount={() => completion.current?.dispose()}
      />
      {draft.trim() === '' && <p className={styles.hint}>{text.flows.lineHint}</p>}
      <ul className={styles.problems} aria-live="polite" data-testid={testIds.lineProblems}>
        {problems.errors.map((problem, at) => (
          <li key={`error ${at}`} className={styles.error}>
            {problem.text}
          </li>
        ))}
        {problems.remarks.map((problem, at) => (
          <li key={`remark ${at}`}>{problem.text}</li>
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
