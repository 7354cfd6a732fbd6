import { parser } from '@prometheus-io/lezer-promql';
import type { Monaco, MonacoEditor } from '@grafana/ui';

import { escapeText } from '../query/promqlText';
import { queryFor, situationAt } from './promqlSituation';

/** A language of this plugin, apart from `promql` of Grafana's Prometheus source, which the page may have loaded too. */
export const languageId = 'k8snet-promql';

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

/** Functions and aggregations of PromQL. */
interface Calls {
  functions: string[];
  aggregations: string[];
}

let calls: Calls | undefined;

/**
 * The functions and aggregations of the grammar that parses the expressions anyway, by name. Its nodes are named in
 * camel case: which of the two spellings calls a function, the parser says. (`monaco-promql` has such lists and
 * tokens, but imports all of `monaco-editor`, 5 MB.)
 */
export function promqlCalls(): Calls {
  calls ??= readCalls();
  return calls;
}

function readCalls(): Calls {
  const found: Calls = { functions: [], aggregations: [] };
  for (const { name: type } of parser.nodeSet.types) {
    const snake = type.replace(/(?<=[a-z\d])(?=[A-Z])/g, '_').toLowerCase();
    // `HistogramStdDev` is `histogram_stddev`, `LimitK` is `limitk`.
    for (const name of new Set([snake, snake.replace(/_([a-z]+)$/, '$1')])) {
      parser.parse(`${name}(x)`).iterate({
        enter: ({ name: kind, node }) => {
          if (node.firstChild?.name === type && (kind === 'FunctionIdentifier' || kind === 'AggregateOp')) {
            found[kind === 'AggregateOp' ? 'aggregations' : 'functions'].push(name);
          }
        },
      });
    }
  }
  return found;
}

const durations = ['$__rate_interval', '$__interval', '$__range'];

/** Registers PromQL with Monaco, once for all editors. */
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
    functions: [...promqlCalls().aggregations, ...promqlCalls().functions],
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

/** The words of Prometheus that are suggested. */
export interface PromqlWords {
  /** Names of metrics; empty until they are known. */
  metrics(): readonly string[];
  /** The values of a variable query; empty where Prometheus does not answer. */
  ask(query: string): Promise<readonly string[]>;
}

/**
 * Suggestions for the words of one editor, until the returned value is disposed of. Not the `getSuggestions` of
 * `CodeEditor`: it takes a word to begin at a space, and so finds none within brackets.
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
              ...words(promqlCalls().aggregations, Function, 'aggregation'),
              ...words(promqlCalls().functions, Function, 'function'),
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
          insertText: situation.kind === 'labelValue' ? escapeText(word.label) : word.label,
          range,
        })),
      };
    },
  });
}

function words<Kind>(labels: readonly string[], kind: Kind, detail: string) {
  return labels.map((label) => ({ label, kind, detail }));
}
