import type { Monaco, MonacoEditor } from '@grafana/ui';

import { completeWords, promqlCalls } from './promqlLanguage';

interface Item {
  label: string;
  insertText: string;
  detail: string;
  range: { startColumn: number; endColumn: number };
}

interface Provider {
  provideCompletionItems(model: unknown, position: unknown): Promise<{ suggestions: Item[] } | undefined>;
}

/** The suggestions at the end of a line. */
async function offered(line: string, answers: Record<string, string[]> = {}): Promise<Item[]> {
  let provider: Provider | undefined;
  const monaco = {
    languages: {
      CompletionItemKind: { Property: 1, Function: 2, Variable: 3, Field: 4, Value: 5 },
      registerCompletionItemProvider: (_: string, registered: Provider) => (provider = registered),
    },
  } as unknown as Monaco;
  const model = {
    getValueInRange: () => line,
    getWordUntilPosition: () => ({
      startColumn: line.length + 1 - (/[$\w:]*$/.exec(line)?.[0].length ?? 0),
      endColumn: line.length + 1,
    }),
  };
  const editor = { getModel: () => model } as unknown as MonacoEditor;
  completeWords(monaco, editor, {
    metrics: () => ['hubble_drop_total'],
    ask: (query) => Promise.resolve(answers[query] ?? []),
  });
  const list = await provider?.provideCompletionItems(model, { lineNumber: 1, column: line.length + 1 });
  return list?.suggestions ?? [];
}

test('metrics, functions, keywords and durations where a word may stand', async () => {
  const items = await offered('sum(hub');
  const details = new Map(items.map(({ label, detail }) => [label, detail]));
  expect(details.get('hubble_drop_total')).toBe('metric');
  expect(details.get('rate')).toBe('function');
  expect(details.get('topk')).toBe('aggregation');
  expect(details.get('offset')).toBe('keyword');
  expect(details.get('$__rate_interval')).toBe('duration');
  expect(items[0]?.range).toMatchObject({ startColumn: 5, endColumn: 8 });
});

test('labels of the metric within its braces', async () => {
  const items = await offered('hubble_drop_total{re', { 'label_names(hubble_drop_total)': ['reason'] });
  expect(items).toMatchObject([{ label: 'reason', detail: 'label', range: { startColumn: 19 } }]);
});

test('within quotes, values of the label that replace the typed part', async () => {
  const items = await offered('up{instance="10.0-', { 'label_values(up, instance)': ['10.0-a', 'say "b"'] });
  expect(items).toMatchObject([
    { label: '10.0-a', insertText: '10.0-a', detail: 'instance', range: { startColumn: 14, endColumn: 19 } },
    { label: 'say "b"', insertText: 'say \\"b\\"' },
  ]);
});

test('no suggestions where Prometheus does not answer', async () => {
  expect(await offered('sum by (')).toEqual([]);
});

test.each([
  'rate',
  'log10',
  'days_in_month',
  'histogram_stddev',
  'mad_over_time',
  'double_exponential_smoothing',
  'first_over_time',
  'info',
  'sort_by_label_desc',
])('%s is a function of the grammar', (name) => {
  expect(promqlCalls().functions).toContain(name);
});

test('the aggregations of the grammar', () => {
  expect(promqlCalls().aggregations.sort()).toEqual(
    'avg bottomk count count_values group limit_ratio limitk max min quantile stddev stdvar sum topk'.split(' ')
  );
});
