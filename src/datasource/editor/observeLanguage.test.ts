import type { Monaco, MonacoEditor } from '@grafana/ui';

import { completeObserve, markers } from './observeLanguage';

interface Item {
  label: string;
  range: { startColumn: number; endColumn: number };
}

interface Provider {
  provideCompletionItems(model: unknown, position: unknown): Promise<{ suggestions: Item[] } | undefined>;
}

/** The suggestions at the end of a line, and the request for values behind them. */
async function offered(line: string, suggestions = jest.fn(async () => ({ values: ['DROPPED'], notices: [] }))) {
  let provider: Provider | undefined;
  const monaco = {
    languages: {
      CompletionItemKind: { Property: 1, Keyword: 2, Value: 3, Variable: 4 },
      registerCompletionItemProvider: (_: string, registered: Provider) => (provider = registered),
    },
  } as unknown as Monaco;
  const model = {
    getLineContent: () => line,
    getWordUntilPosition: () => ({ startColumn: line.length + 1 - (/[^\s'"=]*$/.exec(line)?.[0].length ?? 0) }),
  };
  const editor = { getModel: () => model } as unknown as MonacoEditor;
  completeObserve(monaco, editor, { suggestions, templateVariables: () => ['$ns'] });
  const position = { lineNumber: 1, column: line.length + 1 };
  const other = await provider?.provideCompletionItems({}, position);
  const list = await provider?.provideCompletionItems(model, position);
  return { other, items: list?.suggestions ?? [], asked: suggestions.mock.calls as unknown[][] };
}

test.each(['hubble observe ', 'hubble observe --ver', '--reply ', '--pod pets/a ', '--not --'])(
  '%j is followed by a flag',
  async (line) => {
    const { items, asked } = await offered(line);
    const labels = items.map(({ label }) => label);
    expect(labels).toEqual(expect.arrayContaining(['--verdict', '--from-namespace', '--not', '--since']));
    expect(asked).toEqual([]);
  }
);

test.each([
  ['--verdict ', 'verdict', ''],
  ['--verdict DR', 'verdict', 'DR'],
  ['--verdict=DR', 'verdict', 'DR'],
  ['-n "pe', 'namespace', 'pe'],
  ['-l ', 'label', ''],
  ['hubble observe --from-pod pets/', 'fromPod', 'pets/'],
])('%j is followed by a value of %s', async (line, field, prefix) => {
  const { items, asked } = await offered(line);
  expect(asked).toEqual([[{ field, prefix, filter: undefined }]]);
  expect(items.map(({ label }) => label)).toEqual(['DROPPED', '$ns']);
  expect(items[0]?.range).toMatchObject({ startColumn: line.length + 1 - prefix.length, endColumn: line.length + 1 });
});

test('the dashboard’s variables remain where Hubble does not answer', async () => {
  const { items } = await offered(
    '--pod ',
    jest.fn(() => Promise.reject(new Error('no relay')))
  );
  expect(items.map(({ label }) => label)).toEqual(['$ns']);
});

test('another editor on the page gets no suggestions', async () => {
  expect((await offered('--pod ')).other).toBeUndefined();
});

test('problems are marked, an empty one with one character', () => {
  const monaco = { MarkerSeverity: { Error: 8, Info: 2 } } as unknown as Monaco;
  const model = { getPositionAt: (offset: number) => ({ lineNumber: 1, column: offset + 1 }) };
  const found = markers(monaco, model as never, {
    errors: [{ start: 3, end: 3, text: 'unknown flag' }],
    warnings: [{ start: 5, end: 9, text: 'is ignored' }],
  });
  expect(found).toMatchObject([
    { severity: 8, message: 'unknown flag', startColumn: 4, endColumn: 5 },
    { severity: 2, message: 'is ignored', startColumn: 6, endColumn: 10 },
  ]);
});
