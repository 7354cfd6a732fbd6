import type { MonacoEditor } from '@grafana/ui';

/** Height of a line, in pixels. */
const lineHeight = 22;
const padding = 6;

/** Height of an editor that shows `lines`, in pixels, with its border. */
export function heightOf(lines: number): number {
  return lines * lineHeight + 2 * padding + 2;
}

/** Monaco as a field of a form: text alone, without what surrounds source code. */
export function bareEditor(ariaLabel: string) {
  return {
    ariaLabel,
    lineHeight,
    folding: false,
    lineDecorationsWidth: 8,
    overviewRulerLanes: 0,
    renderLineHighlight: 'none',
    scrollBeyondLastLine: false,
    padding: { top: padding, bottom: padding },
  } as const;
}

/** Tells how many lines are shown, those included that only wrapping makes, now and whenever that changes. */
export function watchLines(editor: MonacoEditor, shown: (lines: number) => void) {
  editor.onDidContentSizeChange(({ contentHeight }) => {
    shown(Math.max(1, Math.round((contentHeight - 2 * padding) / lineHeight)));
  });
}
