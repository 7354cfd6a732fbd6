import { readPanes, writePane } from './panes';

const query = { refId: 'A', queryType: 'flows' };
const lastHour = { from: 'now-1h', to: 'now' };

function search(key: string, value: unknown): string {
  return `?${new URLSearchParams({ [key]: typeof value === 'string' ? value : JSON.stringify(value) })}`;
}

const cases: Array<[name: string, search: string, expected: ReturnType<typeof readPanes>]> = [
  ['nothing', '', { pane: { datasource: '', queries: [], range: lastHour }, others: 0 }],
  [
    'one pane',
    search('panes', { a: { datasource: 'hubble', queries: [query], range: { from: 'now-5m', to: 'now' } } }),
    { pane: { datasource: 'hubble', queries: [query], range: { from: 'now-5m', to: 'now' } }, others: 0 },
  ],
  [
    'times in ms, as text and as numbers',
    search('panes', { a: { datasource: 'hubble', queries: [], range: { from: '1700000000000', to: 1700000060000 } } }),
    {
      pane: {
        datasource: 'hubble',
        queries: [],
        range: { from: '2023-11-14T22:13:20.000Z', to: '2023-11-14T22:14:20.000Z' },
      },
      others: 0,
    },
  ],
  [
    'a time out of every calendar',
    search('panes', { a: { datasource: 'hubble', queries: [], range: { from: '99999999999999999999', to: '' } } }),
    { pane: { datasource: 'hubble', queries: [], range: lastHour }, others: 0 },
  ],
  [
    'two panes',
    search('panes', { a: { datasource: 'one', queries: [] }, b: { datasource: 'two', queries: [] } }),
    { pane: { datasource: 'one', queries: [], range: lastHour }, others: 1 },
  ],
  [
    'the older form of internal links',
    search('left', { datasource: 'hubble', queries: [query], range: lastHour }),
    { pane: { datasource: 'hubble', queries: [query], range: lastHour }, others: 0 },
  ],
  ['no JSON', search('panes', '{'), { pane: { datasource: '', queries: [], range: lastHour }, others: 0 }],
  ['another shape', search('panes', [1]), { pane: { datasource: '', queries: [], range: lastHour }, others: 0 }],
  [
    'values that are not queries',
    search('panes', { a: { datasource: 7, queries: [null, 'x', query], range: 'today' } }),
    { pane: { datasource: '', queries: [query], range: lastHour }, others: 0 },
  ],
];

test.each(cases)('reads %s', (_name, address, expected) => {
  expect(readPanes(address)).toEqual(expected);
});

test('what is written reads the same', () => {
  const pane = { datasource: 'hubble', queries: [{ ...query, filter: { pod: ['a&b=c d+é%'] } }], range: lastHour };
  expect(readPanes(`?${writePane(pane)}`)).toEqual({ pane, others: 0 });
});
