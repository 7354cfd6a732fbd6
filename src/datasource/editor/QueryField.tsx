import { CodeEditor, type Monaco, type MonacoEditor } from '@grafana/ui';
import { useEffect, useRef, useState } from 'react';

/** Height of a line, in pixels. */
const lineHeight = 22;
const padding = 6;

interface Props {
  language: string;
  value: string;
  ariaLabel: string;
  /** Lines of text that the field has room for, at least. */
  minLines: number;
  /** Called before the first editor is drawn, to register the language. */
  onBeforeMount(monaco: Monaco): void;
  /** Called with the editor; returns its completion, which ends with the editor. */
  onMount(editor: MonacoEditor, monaco: Monaco): { dispose(): void };
  onType?(text: string): void;
  /** Called with the text on blur and on Ctrl+S. */
  onCommit(text: string): void;
  /** Called with the text on Shift+Enter, Ctrl+Enter and Cmd+Enter. */
  onRun(text: string): void;
}

/** Monaco as a field of a form. Tab leaves the field, unless it takes a suggestion. */
export function QueryField(props: Props) {
  const { language, value, ariaLabel, minLines, onBeforeMount, onMount } = props;
  const [shownLines, setShownLines] = useState(1);
  const completion = useRef<{ dispose(): void } | undefined>(undefined);

  // Monaco keeps the callbacks of its first render.
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });

  const mount = (editor: MonacoEditor, monaco: Monaco) => {
    editor.onKeyDown((event) => {
      if (event.keyCode === monaco.KeyCode.Enter && (event.shiftKey || event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation();
        latest.current.onRun(editor.getValue());
      } else if (event.keyCode === monaco.KeyCode.Tab && !isCompleting(editor)) {
        // Kept from Monaco, so that the key leaves the field as it leaves any other.
        event.stopPropagation();
      }
    });
    editor.onDidChangeModelContent(() => latest.current.onType?.(editor.getValue()));
    // Wrapped lines count too.
    editor.onDidContentSizeChange(({ contentHeight }) => {
      setShownLines(Math.max(1, Math.round((contentHeight - 2 * padding) / lineHeight)));
    });
    completion.current = onMount(editor, monaco);
  };
  const commit = (text: string) => latest.current.onCommit(text);
  return (
    <CodeEditor
      language={language}
      value={value}
      height={Math.max(shownLines, minLines) * lineHeight + 2 * padding + 2}
      showLineNumbers={false}
      showMiniMap={false}
      wordWrap
      monacoOptions={{
        ariaLabel,
        lineHeight,
        folding: false,
        lineDecorationsWidth: 8,
        overviewRulerLanes: 0,
        renderLineHighlight: 'none',
        scrollBeyondLastLine: false,
        padding: { top: padding, bottom: padding },
      }}
      onBlur={commit}
      onSave={commit}
      onBeforeEditorMount={onBeforeMount}
      onEditorDidMount={mount}
      onEditorWillUnmount={() => completion.current?.dispose()}
    />
  );
}

/** Whether a list of suggestions is open, in which Tab takes one. */
function isCompleting(editor: MonacoEditor): boolean {
  return editor.getContainerDomNode().querySelector('.suggest-widget.visible') !== null;
}
