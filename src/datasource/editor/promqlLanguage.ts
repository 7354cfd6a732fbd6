import type { Monaco, MonacoEditor } from '@grafana/ui';

import { queryFor, situationAt } from './promqlSituation';

/** Of its own, so that it does not meet the one of Grafana's Prometheus source, whichever comes first. */
export const languageId = 'k8snet-promql';

const aggregations = [
  'avg',
  'bottomk',
  'count',
  'count_values',
  'group',
  'limit_ratio',
  'limitk',
  'max',
  'min',
  'quantile',
  'stddev',
  'stdvar',
  'sum',
  'topk',
];

// Source: Prometheus, querying/functions.
const functions =
  `abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max clamp_min cos cosh
  count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv exp floor histogram_avg histogram_count
  histogram_fraction histogram_quantile histogram_stddev histogram_stdvar histogram_sum hour idelta increase irate label_join
  label_replace last_over_time ln log10 log2 max_over_time min_over_time minute month pi predict_linear present_over_time
  quantile_over_time rad rate resets round scalar sgn sin sinh sort sort_by_label sort_by_label_desc sort_desc sqrt
  stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp vector year`.split(/\s+/);

const keywords = [
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'offset',
  'bool',
  'and',
  'or',
  'unless',
];

const durations = ['$__rate_interval', '$__interval', '$__range'];

/** Teaches Monaco PromQL's words, once for all editors. */
export function registerPromql(monaco: Monaco): void {
  if (monaco.languages.getLanguages().some(({ id }) => id === languageId)) {
    return;
  }
  monaco.languages.register({ id: languageId });
  monaco.languages.setLanguageConfiguration(languageId, {
    wordPattern: /[$\w:]+/,
    comments: { lineComment: '#' },
    brackets: [
      ['{', '}'],
      ['[', ']'],
      ['(', ')'],
    ],
    autoClosingPairs: [
      { open: '{', close: '}' },
      { open: '[', close: ']' },
      { open: '(', close: ')' },
      { open: '"', close: '"', notIn: ['string'] },
    ],
  });
  monaco.languages.setMonarchTokensProvider(languageId, {
    keywords,
    functions: [...aggregations, ...functions],
    tokenizer: {
      root: [
        [/#.*$/, 'comment'],
        [/"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|`[^`]*`/, 'string'],
        [/\$\{[^}]*\}|\$\w+/, 'variable'],
        [/\[/, 'delimiter.square', '@range'],
        [/[a-zA-Z_:][\w:]*(?=\s*(=~|!~|!=|=[^=]))/, 'attribute.name'],
        [/[a-zA-Z_:][\w:]*/, { cases: { '@keywords': 'keyword', '@functions': 'type', '@default': 'identifier' } }],
        [/\d+(\.\d+)?([eE][-+]?\d+)?/, 'number'],
        [/[{}()]/, '@brackets'],
        [/[-+*/%^=!<>~]+/, 'operator'],
      ],
      range: [
        [/\]/, 'delimiter.square', '@pop'],
        [/\$\{[^}]*\}|\$\w+/, 'variable'],
        [/(\d+(ms|[smhdwy]))+/, 'number'],
        [/[^\]]/, ''],
      ],
    },
  });
}

/** What a completion asks of Prometheus. */
export interface PromqlWords {
  /** Names of metrics, as far as they are known. */
  metrics(): readonly string[];
  /** What a variable query stands for; nothing where Prometheus has no answer. */
  ask(query: string): Promise<readonly string[]>;
}

/**
 * Completes the words of one editor, until what is returned is disposed of. `CodeEditor` has a
 * completion of its own, which takes a word to begin at a space and so finds nothing within brackets.
 */
export function completeWords(
  monaco: Monaco,
  editor: MonacoEditor,
  { metrics, ask }: PromqlWords
): { dispose(): void } {
  const { Property, Function, Variable, Field, Value } = monaco.languages.CompletionItemKind;
  return monaco.languages.registerCompletionItemProvider(languageId, {
    triggerCharacters: ['$', '{', ',', '(', '"', "'"],
    async provideCompletionItems(model, position) {
      if (model !== editor.getModel()) {
        return undefined;
      }
      const { lineNumber, column } = position;
      const before = model.getValueInRange({
        startLineNumber: 1,
        startColumn: 1,
        endLineNumber: lineNumber,
        endColumn: column,
      });
      const situation = situationAt(before);
      const { startColumn, endColumn } = model.getWordUntilPosition(position);
      const from = situation.kind === 'labelValue' ? column - situation.typed.length : startColumn;
      const range = { startLineNumber: lineNumber, endLineNumber: lineNumber, startColumn: from, endColumn };
      const suggestions =
        situation.kind === 'word'
          ? [
              ...words(metrics(), Property, 'metric'),
              ...words(aggregations, Function, 'aggregation'),
              ...words(functions, Function, 'function'),
              ...words(keywords, Function, 'keyword'),
              ...words(durations, Variable, 'duration'),
            ]
          : words(
              await ask(queryFor(situation)),
              situation.kind === 'labelName' ? Field : Value,
              situation.kind === 'labelName' ? 'label' : situation.label
            );
      return {
        suggestions: suggestions.map((word) => ({
          ...word,
          insertText: situation.kind === 'labelValue' ? escaped(word.label) : word.label,
          range,
        })),
      };
    },
  });
}

/** A value between double quotes. */
function escaped(value: string): string {
  return value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
}

function words<Kind>(labels: readonly string[], kind: Kind, detail: string) {
  return labels.map((label) => ({ label, kind, detail }));
}
