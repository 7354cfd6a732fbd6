import { createDataFrame, dateTime, FieldType, LoadingState, type DataFrame, type PanelData } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { cells, engines, expected, packed, policies, props, rows, shown } from '../../tests/frontend/flowsPanel';
import { packedVector } from '../../tests/frontend/wasm';
import { InlineEngine } from './engine/InlineEngine';
import { startEngine } from './engine/startEngine';
import { sessionOf } from './engine/startSession';
import { FlowsPanel } from './FlowsPanel';
import { exploreKey } from './shownOptions';
import { testIds } from './testIds';
import { tableText } from './tableText';
import { text } from './text';

jest.mock('./engine/startEngine');

test('decoded flows are shown in a grid, newest first', async () => {
  const { grid } = await shown();
  expect(screen.getByTestId(testIds.count)).toHaveTextContent(`${expected.flows} flows`);
  expect(grid).toHaveAttribute('aria-rowcount', String(expected.flows + 1));
  expect(cells('time').slice(0, 2)).toEqual(['10:00:00.950', '10:00:00.900']);
  expect(cells('verdict')).toContain('DROPPED');
  expect(cells('dropReason')).toContain('POLICY_DENIED');
  expect(cells('summary')).toContain(
    'HTTP/1.1 503 12ms (GET http://order-service:3000/orders?<script>alert(1)</script>)'
  );
  expect(document.querySelector('script')).toBeNull();
  expect(
    within(grid)
      .getAllByRole('columnheader')
      .map((header) => header.textContent)
  ).toEqual([
    'Time',
    'Verdict',
    'Drop reason',
    'Source',
    'Destination',
    'Port',
    'Protocol',
    'Summary',
    'Policy',
    'Direction',
    'Type',
  ]);
});

test.each([
  ['dashboard', '06:00:00.950'],
  ['utc', '10:00:00.950'],
] as const)('the time column uses the time zone %s', async (timeColumnZone, expectedTime) => {
  render(<FlowsPanel {...props({ series: [packed()] }, { timeColumnZone })} timeZone="America/New_York" />);
  await screen.findByTestId(testIds.grid);
  expect(cells('time')[0]).toBe(expectedTime);
});

test('search and verdicts narrow the flows, and can be cleared', async () => {
  const user = userEvent.setup();
  await shown();
  await user.type(screen.getByTestId(testIds.filter), 'github');
  await waitFor(() => expect(cells('verdict')).toEqual(['DROPPED', 'REDIRECTED']));
  await user.click(screen.getByTestId(testIds.verdict('DROPPED')));
  await waitFor(() => expect(cells('verdict')).toEqual(['DROPPED']));
  expect(screen.getByTestId(testIds.count)).toHaveTextContent(`1 of ${expected.flows} flows`);
  await user.type(screen.getByTestId(testIds.filter), ' nowhere');
  const empty = await screen.findByTestId(testIds.empty);
  expect(empty).toHaveTextContent(text.states.nothingPasses);
  await user.click(within(empty).getByRole('button', { name: text.states.clearFilter }));
  await waitFor(() => expect(cells('verdict')).toHaveLength(expected.flows));
});

test('a header sorts and has aria-sort', async () => {
  const user = userEvent.setup();
  const { grid } = await shown();
  await user.click(screen.getByTestId(testIds.header('destinationPort')));
  await waitFor(() => expect(cells('destinationPort').slice(0, 3)).toEqual(['53', '53', '53']));
  expect(within(grid).getByRole('columnheader', { name: /^Port/ })).toHaveAttribute('aria-sort', 'ascending');
  await user.click(screen.getByTestId(testIds.header('destinationPort')));
  await waitFor(() => expect(cells('destinationPort')[0]).toBe('41320'));
});

test('the keyboard moves through rows, opens a flow and closes it', async () => {
  const user = userEvent.setup();
  const { grid } = await shown();
  grid.focus();
  await user.keyboard('{ArrowDown}{ArrowDown}{End}{ArrowUp}');
  const active = grid.getAttribute('aria-activedescendant');
  expect(document.getElementById(active ?? '')).toHaveAttribute('aria-rowindex', String(expected.flows));
  await user.keyboard('{Enter}');
  const detail = await screen.findByTestId(testIds.detail);
  await waitFor(() => expect(within(detail).getByText('flow.uuid')).toBeInTheDocument());
  const record = JSON.parse(expected.records[0] ?? '');
  expect(within(detail).getByText(record.flow.uuid)).toBeInTheDocument();
  expect(within(detail).getByText('k8s:app=order-service')).toBeInTheDocument();
  // The drawer takes the focus when it opens; keys typed before that would reach the grid.
  await waitFor(() => expect(document.activeElement).not.toBe(grid));
  const filter = within(detail).getByTestId(testIds.detailFilter);
  await user.type(filter, 'pod_name');
  await waitFor(() => expect(filter).toHaveValue('pod_name'));
  await waitFor(() => expect(within(detail).getAllByTestId(testIds.detailField)).toHaveLength(2));
  await user.click(screen.getByRole('button', { name: 'Close' }));
  await waitFor(() => expect(screen.queryByTestId(testIds.detail)).not.toBeInTheDocument());
  expect(grid).toHaveFocus();
});

test('a column can be resized by keyboard; the options store its width', async () => {
  const { given } = await shown();
  fireEvent.keyDown(screen.getByTestId(testIds.header('time')), { key: 'ArrowRight', shiftKey: true });
  expect(given.onOptionsChange).toHaveBeenCalledWith(expect.objectContaining({ columnWidths: { time: 108 + 16 } }));
});

test('of many flows, only the visible rows are drawn', async () => {
  const { grid } = await shown({ series: Array.from({ length: 1_000 }, () => packed()) });
  expect(grid).toHaveAttribute('aria-rowcount', String(1_000 * expected.flows + 1));
  expect(screen.getAllByTestId(testIds.row).length).toBeLessThan(60);
});

test('notices are shown, the most severe first', async () => {
  const user = userEvent.setup();
  const notices = [
    { severity: 'info' as const, text: 'the answer was cut at 1,000 flows' },
    { severity: 'warning' as const, text: '7 flows were lost on kind/worker-1', link: 'javascript:alert(1)' },
  ];
  await shown({ series: [packed(rows, { notices })] });
  const shownNotices = screen.getByTestId(testIds.notices);
  expect(within(shownNotices).getAllByRole('listitem')).toHaveLength(1);
  expect(shownNotices).toHaveTextContent('7 flows were lost');
  expect(shownNotices.querySelector('a')?.getAttribute('href') ?? '').not.toContain('javascript');
  await user.click(within(shownNotices).getByRole('button', { name: 'Show 1 more' }));
  expect(within(shownNotices).getAllByRole('listitem')).toHaveLength(2);
});

test('an answer under way is never shown as whole', async () => {
  const underWay = { underWay: { flows: 12_000, atMost: 100_000 } };
  const first = packed(rows, { custom: { packed: 'hubble-flows/1', ...underWay } });
  const given = props({ series: [first], state: LoadingState.Streaming });
  const { rerender } = render(<FlowsPanel {...given} />);
  await screen.findByTestId(testIds.grid);
  expect(screen.getByTestId(testIds.notices)).toHaveTextContent('12,000 of at most 100,000 flows so far');
  expect(screen.getByTestId(testIds.count)).toHaveTextContent(`${expected.flows} flows so far`);
  expect(screen.getByTestId(testIds.verdict('DROPPED'))).toHaveTextContent(/\d\+$/);
  const again = { ...first, meta: { ...first.meta, custom: { packed: 'hubble-flows/1' } } };
  const withData = (data: Partial<PanelData>) => ({ ...given, data: { ...given.data, ...data } });
  rerender(<FlowsPanel {...withData({ state: LoadingState.Done })} />);
  expect(screen.getByTestId(testIds.notices)).toHaveTextContent('stopped after 12,000 of at most 100,000 flows');
  rerender(<FlowsPanel {...withData({ series: [again, packed()], state: LoadingState.Done })} />);
  await waitFor(() => expect(screen.getByTestId(testIds.count)).toHaveTextContent(`${2 * expected.flows} flows`));
  expect(screen.queryByTestId(testIds.notices)).not.toBeInTheDocument();
  expect(screen.getByTestId(testIds.count)).not.toHaveTextContent('so far');
});

test.each<[string, Partial<PanelData>, string, RegExp]>([
  ['a query under way', { state: LoadingState.Loading }, testIds.loading, /Waiting for the query/],
  ['no query', {}, testIds.empty, /Add a query of type Flows/],
  ['no flows', { series: [packed([])] }, testIds.empty, /No flows were found.*may have been/],
  [
    'a failed query',
    { state: LoadingState.Error, errors: [{ message: 'relay at `x:443` refused the client certificate' }] },
    testIds.error,
    /refused the client certificate/,
  ],
  ['broken bytes', { series: [packed(['AAAA'])] }, testIds.error, /these bytes are not packed flows/],
  [
    'a table',
    { series: [createDataFrame({ refId: 'B', fields: [{ name: 'Time', type: FieldType.time, values: [1] }] })] },
    testIds.unsupported,
    /Query B has another format. Set its format to Packed/,
  ],
])('%s has a message', async (_, data, testId, words) => {
  render(<FlowsPanel {...props(data)} />);
  await waitFor(() => expect(screen.getByTestId(testId)).toHaveTextContent(words));
});

const at = (time: string) => Date.parse(`2026-11-29T${time}Z`);
const asked = { from: dateTime(at('20:40:00')), to: dateTime(at('20:44:00')), raw: { from: 'now-5m', to: 'now' } };
/** The backend's answer about its memory for a query from `rangeBegin` on. */
const memory = (begins: string, completeSince: string, rangeEnd: string, rangeBegin = '20:40:00') => ({
  begins: at(begins),
  completeSince: at(completeSince),
  rangeBegin: at(rangeBegin),
  rangeEnd: at(rangeEnd),
  complete: at(rangeBegin) >= at(completeSince),
  forgotten: at(rangeEnd) < at(begins),
});
/** The metadata of an answer: its memory, and notices by their text. */
function metaOf(memory: object | undefined, notices: Record<string, 'incomplete' | 'reworded' | 'other'> = {}) {
  const of = (kind: string) => Object.keys(notices).filter((text) => notices[text] === kind);
  return {
    custom: { memory, incomplete: of('incomplete'), reworded: of('reworded') },
    notices: Object.keys(notices).map((text) => ({ severity: 'warning' as const, text })),
  };
}
const lost = '7 events were lost on kind/worker-1 since 2026-11-29 20:41:00.5 UTC';
const known = memory('20:00:00', '20:30:00', '20:44:00');

test.each<[string, DataFrame['meta'], RegExp, RegExp]>([
  ['that were all seen', metaOf(known), /^No flows match.*All nodes remember/, /may|cannot/],
  [
    'of which some were lost',
    metaOf(known, {
      [lost]: 'incomplete',
      'no flows were found, but some may be missing: events were lost': 'reworded',
    }),
    /^No flows were seen.*may have been.*7 events were lost.*2026-11-29 15:41:00/,
    /No flows match|UTC|were found/,
  ],
  [
    'of which some are forgotten',
    metaOf(memory('20:00:00', '20:43:00', '20:44:00')),
    /^No flows were seen.*remember nothing before .*15:43/,
    /No flows match/,
  ],
  [
    'of which none are forgotten, since the query covers less than the range',
    metaOf(memory('20:00:00', '20:43:00', '20:44:00', '20:43:30')),
    /^No flows match/,
    /may|remember nothing/,
  ],
  [
    'of which some are forgotten, since the query covers more than the range',
    metaOf(memory('20:00:00', '20:39:00', '20:44:00', '20:30:00')),
    /^No flows were seen.*remember nothing before .*15:39/,
    /No flows match/,
  ],
  [
    'of which all are forgotten, and some are unknown',
    metaOf(memory('21:10:00', '21:12:00', '20:44:00'), { 'no flows from node `kind/worker-2`': 'incomplete' }),
    /^This range ended at .*15:44.*no flows from node `kind\/worker-2`/,
    /No flows match/,
  ],
  ['of unknown memory', {}, /may have been/, /No flows match/],
])('the message for no flows %s', async (_, meta, words, never) => {
  const given = props({ series: [packed([], meta)] });
  render(<FlowsPanel {...given} timeRange={asked} timeZone="America/New_York" />);
  const empty = await screen.findByTestId(testIds.empty);
  expect(empty).toHaveTextContent(words);
  expect(empty).not.toHaveTextContent(never);
});

test('a forgotten range shows its times in the user’s time zone, with a link to the last minutes', async () => {
  const user = userEvent.setup();
  jest.useFakeTimers({ now: at('21:15:00'), doNotFake: ['setTimeout', 'queueMicrotask', 'nextTick'] });
  try {
    locationService.push('/d/flow-logs?from=1&to=2&var-namespace=pets');
    const ended =
      "this range ended at 2026-11-29 20:44:00.000 UTC; Hubble's memory begins at 2026-11-29 21:10:00.000 UTC";
    const meta = metaOf(memory('21:10:00', '21:12:00', '20:44:00'), { [ended]: 'reworded' });
    render(<FlowsPanel {...props({ series: [packed([], meta)] })} timeRange={asked} timeZone="America/New_York" />);
    const empty = await screen.findByTestId(testIds.empty);
    expect(empty).toHaveTextContent('This range ended at 15:44; Hubble’s memory begins at 16:10.');
    expect(screen.queryByTestId(testIds.notices)).not.toBeInTheDocument();
    await user.click(within(empty).getByRole('button', { name: text.states.lastMinutes }));
    expect(locationService.getSearchObject()).toEqual({ from: 'now-5m', to: 'now', 'var-namespace': 'pets' });
  } finally {
    jest.useRealTimers();
  }
});

test.each([
  [
    'a certificate that ends soon',
    "the relay's certificate `CN=*.hubble-relay.cilium.io` ends in 9 days, on 2026-12-09 02:30:00.000 UTC: renew it",
    'in 9 days, on 2026-12-08 21:30:00: renew it',
  ],
  ['a condition that is not applied', '`color` is not applied', '`color` is not applied'],
])('%s is shown, and the answer is not called incomplete', async (_, text, shown) => {
  const given = props({ series: [packed([], metaOf(known, { [text]: 'other' }))] });
  render(<FlowsPanel {...given} timeRange={asked} timeZone="America/New_York" />);
  expect(await screen.findByTestId(testIds.empty)).toHaveTextContent(/^No flows match/);
  expect(screen.getByTestId(testIds.notices)).toHaveTextContent(shown);
});

test('times in notices use the user’s time zone', async () => {
  const given = props({ series: [packed(rows, metaOf(known, { [lost]: 'incomplete' }))] });
  render(<FlowsPanel {...given} timeZone="America/New_York" />);
  await screen.findByTestId(testIds.grid);
  expect(screen.getByTestId(testIds.notices)).toHaveTextContent('since 2026-11-29 15:41:00');
});

describe('in Explore', () => {
  beforeEach(() => {
    window.localStorage.clear();
    locationService.push('/explore');
  });
  afterEach(() => locationService.push('/'));

  test('widths and columns are stored in the browser, since Grafana stores no options there', async () => {
    const user = userEvent.setup();
    const { given, unmount } = await shown();
    fireEvent.keyDown(screen.getByTestId(testIds.header('source')), { key: 'ArrowRight', shiftKey: true });
    const width = screen.getByTestId(testIds.header('source')).parentElement?.style.width;
    await user.click(screen.getByTestId(testIds.columns));
    await user.click(screen.getByTestId(testIds.column('node')));
    await user.click(screen.getByTestId(testIds.column('protocol')));
    await user.click(screen.getByRole('button', { name: tableText.picker.done }));
    expect(given.onOptionsChange).not.toHaveBeenCalled();
    unmount();
    await shown();
    expect(screen.getByTestId(testIds.header('source')).parentElement?.style.width).toBe(width);
    expect(screen.getByTestId(testIds.header('node'))).toBeInTheDocument();
    expect(screen.queryByTestId(testIds.header('protocol'))).not.toBeInTheDocument();
  });

  test.each(['nonsense', '5', '{"columns":["gone"],"columnWidths":{"time":"x","gone":5}}', '{"columns":5}'])(
    'what cannot be used of what the browser kept is left: %s',
    async (kept) => {
      window.localStorage.setItem(exploreKey, kept);
      await shown();
      expect(screen.getByTestId(testIds.header('source'))).toBeInTheDocument();
    }
  );
});

test('columns can be selected by keyboard and are stored in the options; the last one stays', async () => {
  const user = userEvent.setup();
  const { given } = await shown({ series: [packed()] }, { columns: ['time', 'source'] });
  act(() => screen.getByTestId(testIds.columns).focus());
  await user.keyboard('{Enter}');
  const picker = await screen.findByRole('dialog');
  expect(within(picker).queryByTestId(testIds.column('agreement'))).not.toBeInTheDocument();
  const time = within(picker).getByTestId(testIds.column('time'));
  for (let tabs = 0; tabs < 5 && document.activeElement !== time; tabs++) {
    await user.tab();
  }
  expect(time).toHaveFocus();
  await user.keyboard(' ');
  expect(given.onOptionsChange).toHaveBeenCalledWith(expect.objectContaining({ columns: ['source'] }));
});

describe('a download', () => {
  let saved: Array<{ name: string; blob: Blob }>;
  beforeEach(() => {
    saved = [];
    let blob: Blob | undefined;
    URL.createObjectURL = jest.fn((given: Blob) => {
      blob = given;
      return 'blob:x';
    });
    URL.revokeObjectURL = jest.fn();
    jest.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved.push({ name: this.download, blob: blob! });
    });
  });
  afterEach(() => jest.restoreAllMocks());

  const textOfFile = (blob: Blob) =>
    new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      reader.readAsText(blob);
    });

  async function download(format: string): Promise<string> {
    const user = userEvent.setup();
    await user.click(screen.getByTestId(testIds.download));
    await user.click(await screen.findByTestId(testIds.downloadAs(format)));
    await waitFor(() => expect(saved).toHaveLength(1));
    return textOfFile(saved[0]!.blob);
  }

  test('as CSV has the shown rows and columns in order, and the range in its file name', async () => {
    const user = userEvent.setup();
    render(
      <FlowsPanel
        {...props({ series: [packed()] }, { columns: ['time', 'source', 'destinationPort'] })}
        timeRange={asked}
      />
    );
    await screen.findByTestId(testIds.grid);
    await user.type(screen.getByTestId(testIds.filter), '8080');
    await user.click(screen.getByTestId(testIds.verdict('DROPPED')));
    await waitFor(() => expect(cells('time')).toHaveLength(1));
    expect(await download('csv')).toBe(
      'Time,Source,Port\r\n2026-08-22T10:00:00.250000123Z,pets/store-front-6f7d9c5b8-x2x4z,8080\r\n'
    );
    expect(saved[0]!.name).toBe('hubble-flows-20261129T204000Z-20261129T204400Z.csv');
    expect(saved[0]!.blob.type).toMatch(/^text\/csv/);
  });

  test('as JSON lines has the record of each shown row, as Hubble writes it', async () => {
    await shown({ series: [packed()] }, { columns: ['verdict', 'destinationPort'] });
    const lines = (await download('jsonLines')).trim().split('\n');
    expect([...lines].sort()).toEqual([...expected.records].sort());
    expect(lines.map((line) => String(JSON.parse(line).flow.verdict)).slice(0, 2)).toEqual(
      cells('verdict').slice(0, 2)
    );
    expect(saved[0]!.name).toMatch(/\.jsonl$/);
  });
});

test('a narrow panel has all actions in a menu', async () => {
  const user = userEvent.setup();
  const meta = { executedQueryString: 'hubble observe' };
  render(<FlowsPanel {...props({ series: [packed(rows, meta), policies] })} width={400} />);
  await screen.findByTestId(testIds.grid);
  await screen.findByTestId(testIds.agreement('differs'));
  expect(screen.getByTestId(testIds.count)).toHaveTextContent(`${expected.flows} flows`);
  expect(screen.getByTestId(testIds.copyCommand)).toBeInTheDocument();
  act(() => screen.getByTestId(testIds.more).focus());
  await user.keyboard('{Enter}');
  const menu = await screen.findByRole('menu');
  const items = within(menu)
    .getAllByRole('menuitem')
    .map((item) => item.textContent);
  expect(items).toEqual([
    '1 policy',
    tableText.group.hint,
    'Columns',
    'Download as CSV',
    text.toolbar.downloadJsonLines,
  ]);
  await user.click(within(menu).getByTestId(testIds.openCheck));
  expect(await screen.findByTestId(testIds.check)).toBeInTheDocument();
});

test('the policies’ verdict has a column next to the verdict', async () => {
  const { grid } = await shown({ series: [packed(), policies] });
  await waitFor(() => expect(within(grid).queryByTestId(testIds.header('agreement'))).toBeInTheDocument());
  const titles = within(grid)
    .getAllByRole('columnheader')
    .map((header) => header.textContent);
  expect(titles.slice(0, 4)).toEqual(['Time', 'Verdict', 'Policies', 'Drop reason']);
});

test('every kind of record has a name of its own', async () => {
  await shown({ series: [packed(packedVector('records').rows)] }, { view: { fold: false } });
  const shownRows = screen.getAllByTestId(testIds.row).map((row) =>
    within(row)
      .getAllByRole('gridcell')
      .slice(1)
      .map((cell) => cell.textContent)
      .join('|')
  );
  expect(shownRows.length).toBeGreaterThan(4);
  expect(new Set(shownRows).size).toBe(shownRows.length);
});

test('an error does not hide the flows of the same answer', async () => {
  await shown({ series: [packed()], errors: [{ message: 'node kind/worker-2 did not answer' }] });
  expect(screen.getByTestId(testIds.notices)).toHaveTextContent('worker-2 did not answer');
});

test('flows stay while the query runs again', async () => {
  const { rerender } = await shown();
  rerender(<FlowsPanel {...props({ state: LoadingState.Loading, series: [] })} />);
  expect(screen.getByTestId(testIds.grid)).toBeInTheDocument();
  rerender(<FlowsPanel {...props({ series: [] })} />);
  expect(await screen.findByTestId(testIds.empty)).toHaveTextContent(text.states.noQuery);
});

test('decoding on the main thread shows a notice', async () => {
  jest.mocked(startEngine).mockResolvedValue({
    engine: new InlineEngine('decoder', sessionOf('decoder')),
    onMainThread: 'no worker',
  });
  await shown();
  expect(screen.getByTestId(testIds.notices)).toHaveTextContent(/instead of in a worker.*no worker/);
});

test('an unmounted panel frees its memory', async () => {
  const { unmount } = await shown();
  const [engine] = engines;
  const dispose = jest.spyOn(engine!, 'dispose');
  unmount();
  expect(dispose).toHaveBeenCalled();
  await act(async () => undefined);
  await expect(engine!.record(0)).rejects.toThrow('no flows are loaded');
});
