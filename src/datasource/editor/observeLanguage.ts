import type { Monaco, MonacoEditor } from '@grafana/ui';

import type { HubbleDataSource } from '../datasource';
import type { LineProblem } from '../query/conversion';
import { filterFields, flagOf, type FilterField } from '../query/fields';
import { hintOf, labelOf } from '../text';

export const languageId = 'k8snet-hubble-observe';

type Model = NonNullable<ReturnType<MonacoEditor['getModel']>>;

const selectors = ['not', 'since', 'until', 'last', 'first', 'all', 'follow', 'allowlist', 'denylist'];

/** Short flags of `hubble observe`. */
const aliases: Record<string, FilterField> = {
  '-n': 'namespace',
  '-l': 'label',
  '-t': 'type',
};

/** The field whose value is being typed at the end of `line`; undefined where a flag is expected. */
function fieldBefore(line: string): { field: FilterField; typed: string } | undefined {
  const parts = /(?:^|\s)(-[\w-]+)(?:=|\s+)(['"]?)([^\s'"]*)$/.exec(line);
  const [, flag = '', , typed = ''] = parts ?? [];
  const field = aliases[flag] ?? filterFields.find((field) => flagOf(field) === flag);
  return field && !typed.startsWith('-') && !isSwitch(field) ? { field, typed } : undefined;
}

function isSwitch(field: FilterField): boolean {
  return ['reply', 'encrypted', 'allNamespaces', 'fromAllNamespaces', 'toAllNamespaces'].includes(field);
}

/** Registers the language of the command line with Monaco, once for all editors. */
export function registerObserve(monaco: Monaco): void {
  if (monaco.languages.getLanguages().some(({ id }) => id === languageId)) {
    return;
  }
  monaco.languages.register({ id: languageId });
  monaco.languages.setLanguageConfiguration(languageId, { wordPattern: /[^\s'"=]+/ });
  monaco.languages.setMonarchTokensProvider(languageId, {
    tokenizer: {
      root: [
        [/#.*$/, 'comment'],
        [/\$\{[^}]*\}|\$\w+|\[\[[^\]]*\]\]/, 'variable'],
        [/'[^']*'|"([^"\\]|\\.)*"/, 'string'],
        [/--not(?=\s|$)/, 'keyword'],
        [/--?[A-Za-z][\w-]*/, 'attribute.name'],
        [/\b(hubble|observe|flows)\b/, 'type'],
        [/[|;&<>]/, 'delimiter'],
        [/[^\s'"#$=-]+/, 'identifier'],
      ],
    },
  });
}

/** The errors and warnings as Monaco's markers. */
export function markers(monaco: Monaco, model: Model, problems: { errors: LineProblem[]; warnings: LineProblem[] }) {
  const marker = (severity: number) => (problem: LineProblem) => {
    // Monaco counts every line break as one character.
    const place = (unit: number) => model.getPositionAt(unit);
    const start = place(problem.start);
    const end = place(Math.max(problem.end, problem.start + 1));
    return {
      severity,
      message: problem.text,
      startLineNumber: start.lineNumber,
      startColumn: start.column,
      endLineNumber: end.lineNumber,
      endColumn: end.column,
    };
  };
  return [
    ...problems.errors.map(marker(monaco.MarkerSeverity.Error)),
    ...problems.warnings.map(marker(monaco.MarkerSeverity.Info)),
  ];
}

/** Suggestions for flags and for their values in the cluster, until the returned value is disposed of. */
export function completeObserve(
  monaco: Monaco,
  editor: MonacoEditor,
  datasource: Pick<HubbleDataSource, 'suggestions' | 'templateVariables'>
): { dispose(): void } {
  const { Property, Keyword, Value, Variable } = monaco.languages.CompletionItemKind;
  return monaco.languages.registerCompletionItemProvider(languageId, {
    triggerCharacters: ['-', ' ', '=', '$', '/'],
    async provideCompletionItems(model, position) {
      if (model !== editor.getModel()) {
        return undefined;
      }
      const { lineNumber, column } = position;
      const { startColumn } = model.getWordUntilPosition(position);
      const range = { startLineNumber: lineNumber, endLineNumber: lineNumber, startColumn, endColumn: column };
      const before = model.getLineContent(lineNumber).slice(0, column - 1);
      const current = fieldBefore(before);
      if (!current) {
        const flags = filterFields.map((field) => ({
          label: flagOf(field),
          kind: Property,
          detail: labelOf(field),
          documentation: hintOf(field),
        }));
        const others = selectors.map((name) => ({ label: `--${name}`, kind: Keyword }));
        return { suggestions: [...flags, ...others].map((word) => ({ ...word, insertText: word.label, range })) };
      }
      const values = await datasource
        .suggestions({ field: current.field, prefix: current.typed, filter: undefined })
        .then(
          (answer) => answer.values,
          () => []
        );
      const variables = datasource.templateVariables().map((label) => ({ label, kind: Variable }));
      return {
        incomplete: true,
        suggestions: [...values.map((label) => ({ label, kind: Value })), ...variables].map((word) => ({
          ...word,
          insertText: word.label,
          range,
        })),
      };
    },
  });
}
