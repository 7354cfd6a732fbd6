import { locationService } from '@grafana/runtime';
import { PanelContextProvider, type PanelContext } from '@grafana/ui';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { cells, packed, props, rows, shown } from '../../tests/frontend/flowsPanel';
import { packedVector } from '../../tests/frontend/wasm';
import { copyText } from './download';
import type { FlowsPanelOptions } from './options';
import { FlowsPanel } from './FlowsPanel';
import { viewParameter } from './keptView';
import { testIds } from './testIds';
import { tableText } from './tableText';

jest.mock('./engine/startEngine');
jest.mock('./download');
jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getAppEvents: () => ({ publish: () => undefined }),
}));

const cell = (column: string, at = 0) => screen.getAllByTestId(testIds.cell(column))[at] as HTMLElement;

async function hover(column: string, at = 0): Promise<HTMLElement> {
  fireEvent.mouseOver(cell(column, at));
  return within(cell(column, at)).findByTestId(testIds.cellActions);
}

async function menuOf(column: string, at = 0): Promise<HTMLElement> {
  fireEvent.click(within(await hover(column, at)).getByTestId(testIds.cellMenu));
  return screen.findByRole('menu');
}

let copied: string[];
beforeEach(() => {
  copied = [];
  jest.mocked(copyText).mockImplementation(async (text) => void copied.push(text));
});

describe('a click to filter', () => {
  test('hides or shows flows in the panel, by chips that a click removes', async () => {
    await shown();
    const at = cells('verdict').indexOf('DROPPED');
    fireEvent.click(within(await hover('verdict', at)).getByTestId(testIds.filterFor));
    await waitFor(() => expect(new Set(cells('verdict'))).toEqual(new Set(['DROPPED'])));
    const chip = screen.getByTestId(testIds.chip('verdict'));
    expect(chip).toHaveTextContent('Verdict = DROPPED');
    fireEvent.click(within(await hover('verdict')).getByTestId(testIds.filterOut));
    await waitFor(() => expect(cells('verdict')).not.toContain('DROPPED'));
    expect(screen.getByTestId(testIds.chip('verdict'))).toHaveTextContent('Verdict ≠ DROPPED');
    fireEvent.click(screen.getByTestId(testIds.chip('verdict')));
    await waitFor(() => expect(cells('verdict')).toContain('DROPPED'));
  });

  test('is an ad hoc filter of the dashboard, where the cell has a flag', async () => {
    const onAddAdHocFilter = jest.fn();
    render(
      <PanelContextProvider value={{ onAddAdHocFilter } as unknown as PanelContext}>
        <FlowsPanel {...props({ series: [packed()] })} />
      </PanelContextProvider>
    );
    await screen.findByTestId(testIds.grid);
    const at = cells('verdict').indexOf('DROPPED');
    fireEvent.click(
      within(await hover('dropReason', cells('dropReason').indexOf('POLICY_DENIED'))).getByTestId(testIds.filterFor)
    );
    await waitFor(() => expect(onAddAdHocFilter).toHaveBeenCalledTimes(1));
    fireEvent.click(within(await hover('source', at)).getByTestId(testIds.filterOut));
    await waitFor(() => expect(onAddAdHocFilter).toHaveBeenCalledTimes(2));
    expect(onAddAdHocFilter.mock.calls.map(([filter]) => filter)).toEqual([
      { key: 'dropReasonDesc', value: 'POLICY_DENIED', operator: '=' },
      expect.objectContaining({ operator: '!=', key: expect.stringMatching(/^from/) }),
    ]);
    // A summary has no flag in Hubble.
    fireEvent.click(within(await hover('summary', at)).getByTestId(testIds.filterFor));
    expect(await screen.findByTestId(testIds.chip('summary'))).toBeInTheDocument();
  });

  describe('in Explore', () => {
    const query = { refId: 'A', queryType: 'flows', datasource: { uid: 'hubble', type: 'k8snet-hubble-datasource' } };
    const pane = { datasource: 'hubble', queries: [{ ...query, key: 'Q-1' }], range: { from: 'now-1h', to: 'now' } };
    const filtered = { ...query, adhocFilters: [{ key: 'verdict', operator: '=', value: 'DROPPED' }] };
    const inUrl = () => JSON.parse(String(locationService.getSearchObject().panes));
    afterEach(() => locationService.push('/'));

    async function filterFor(panes: object): Promise<void> {
      locationService.push(`/explore?panes=${encodeURIComponent(JSON.stringify(panes))}`);
      await shown({ series: [packed(rows, { custom: { query } })] });
      const at = cells('verdict').indexOf('DROPPED');
      fireEvent.click(within(await hover('verdict', at)).getByTestId(testIds.filterFor));
    }

    test('changes the query of the one pane that has it', async () => {
      const other = { ...pane, queries: [{ ...query, last: 5 }] };
      await filterFor({ a: pane, b: other });
      await waitFor(() => expect(inUrl()).toEqual({ a: { ...pane, queries: [filtered] }, b: other }));
    });

    test('opens a second pane where none has it', async () => {
      const other = { ...pane, queries: [{ ...query, last: 5 }] };
      await filterFor({ a: other });
      await waitFor(() => expect(Object.keys(inUrl())).toHaveLength(2));
      expect(inUrl()).toEqual({
        a: other,
        'a-flows': { datasource: 'hubble', queries: [filtered], range: { from: 'now-1h', to: 'now' } },
      });
    });

    test('filters in the panel where two have it', async () => {
      await filterFor({ a: pane, b: pane });
      expect(await screen.findByTestId(testIds.chip('verdict'))).toBeInTheDocument();
      expect(inUrl()).toEqual({ a: pane, b: pane });
    });
  });
});

test('the menu of a cell copies it, its row in three formats, and commands that find it', async () => {
  await shown({ series: [packed()] }, { columns: ['time', 'verdict', 'source', 'destinationPort'] });
  const at = cells('verdict').indexOf('DROPPED');
  const expectCopied = async (item: string, expected: string | RegExp) => {
    copied = [];
    const menu = await menuOf('source', at);
    await waitFor(() => expect(within(menu).queryByTestId(testIds.menuItem('copy-command'))).toBeInTheDocument());
    fireEvent.click(within(menu).getByTestId(testIds.menuItem(item)));
    await waitFor(() => expect(copied).toHaveLength(1));
    expect(copied[0]).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
  };
  const source = cells('source')[at] ?? '';
  await expectCopied('copy-value', source);
  await expectCopied('copy-tabs', /^Time\tVerdict\tSource\tPort\r\n2026-08-22T10:00:00\S+\tDROPPED\t/);
  await expectCopied('copy-csv', /^Time,Verdict,Source,Port\r\n2026-08-22T10:00:00\S+,DROPPED,/);
  await expectCopied('copy-jsonLines', /^\{"flow":\{.*"verdict":"DROPPED".*\}\n$/);
  await expectCopied('copy-command-cell', /^hubble observe --from-(pod|ip|service|fqdn) \S+$/);
  await expectCopied('copy-command', /^hubble observe --verdict DROPPED --from-\S+ \S+ .*--protocol \w+/);
});

test('the keyboard reaches every cell: filters, copies, selects rows, and opens the menu', async () => {
  const user = userEvent.setup();
  const { grid } = await shown({ series: [packed()] }, { columns: ['time', 'verdict', 'source'] });
  act(() => grid.focus());
  await user.keyboard('{ArrowDown}{ArrowRight}{ArrowRight}');
  const active = () => document.getElementById(grid.getAttribute('aria-activedescendant') ?? '');
  expect(active()).toHaveTextContent(cells('verdict')[0] ?? '?');
  fireEvent.keyDown(grid, { key: 'c', ctrlKey: true });
  await waitFor(() => expect(copied).toEqual([cells('verdict')[0]]));
  await user.keyboard('{ArrowLeft}{ArrowLeft}{Shift>}{ArrowDown}{ArrowDown}{/Shift}');
  expect(grid.querySelectorAll('[aria-selected="true"]')).toHaveLength(3);
  fireEvent.keyDown(grid, { key: 'c', ctrlKey: true });
  await waitFor(() => expect(copied[1]?.trim().split('\r\n')).toHaveLength(4));
  await user.keyboard('{ArrowUp}{ArrowRight}{ArrowRight}');
  const verdict = active()?.textContent ?? '';
  fireEvent.keyDown(grid, { key: 'ContextMenu' });
  const menu = await screen.findByRole('menu');
  expect(menu).toHaveTextContent(tableText.cell.filterFor(verdict.replace(/\W/g, '')));
  await user.keyboard('{Escape}');
  fireEvent.keyDown(grid, { key: '-' });
  await waitFor(() => expect(cells('verdict')).not.toContain(verdict));
});

test('the records of one packet are one row, which opens', async () => {
  const user = userEvent.setup();
  const { grid } = await shown({ series: [packed(packedVector('records').rows)] });
  expect(grid).toHaveAttribute('role', 'treegrid');
  const before = screen.getAllByTestId(testIds.row);
  expect(before).toHaveLength(2);
  expect(screen.getByTestId(testIds.count)).toHaveTextContent('2 flows');
  await user.click(within(before[1]!).getByTestId(testIds.expand));
  expect(screen.getAllByTestId(testIds.row).length).toBeGreaterThan(2);
  expect(before[1]).toHaveAttribute('aria-expanded', 'true');
  act(() => grid.focus());
  await user.keyboard('{Home}{ArrowDown}{ArrowLeft}');
  expect(screen.getAllByTestId(testIds.row)).toHaveLength(2);
});

test('groups have counts, the share of drops and times, and open', async () => {
  const user = userEvent.setup();
  const view = { groupBy: ['verdict' as const, 'dropReason' as const], fold: false };
  await shown({ series: [packed()] }, { view });
  const groups = screen.getAllByTestId(testIds.group).map((group) => group.textContent);
  expect(groups[0]).toMatch(/^FORWARDED · no drop reason7 flows · 0 % dropped · 2026-08-22 .* – 2026-08-22 /);
  expect(groups.find((group) => group?.startsWith('DROPPED'))).toMatch(/100 % dropped/);
  expect(screen.queryByTestId(testIds.row)).not.toBeInTheDocument();
  await user.click(screen.getAllByTestId(testIds.group)[0]!.firstElementChild!);
  expect(screen.getAllByTestId(testIds.row)).toHaveLength(7);
});

describe('the view survives a reload', () => {
  test('in the options of a dashboard', async () => {
    const user = userEvent.setup();
    const { given, unmount } = await shown();
    await user.click(screen.getByTestId(testIds.verdict('DROPPED')));
    await user.click(screen.getByTestId(testIds.header('source')));
    await waitFor(() =>
      expect(given.onOptionsChange).toHaveBeenLastCalledWith(
        expect.objectContaining({ view: { verdicts: ['DROPPED'], sort: 'source', descending: false } })
      )
    );
    const options = jest.mocked(given.onOptionsChange).mock.lastCall?.[0] as FlowsPanelOptions;
    unmount();
    await shown({ series: [packed()] }, options);
    expect(new Set(cells('verdict'))).toEqual(new Set(['DROPPED']));
    expect(screen.getByTestId(testIds.verdict('DROPPED'))).toHaveAttribute('aria-pressed', 'true');
  });

  test('in the URL of Explore, where anybody may write', async () => {
    const user = userEvent.setup();
    locationService.push('/explore?panes=x');
    const first = await shown();
    await user.click(screen.getByTestId(testIds.verdict('DROPPED')));
    await waitFor(() => expect(locationService.getSearchObject()[viewParameter]).toBe('{"":{"verdicts":["DROPPED"]}}'));
    expect(locationService.getSearchObject().panes).toBe('x');
    first.unmount();
    const second = await shown();
    expect(new Set(cells('verdict'))).toEqual(new Set(['DROPPED']));
    second.unmount();
    for (const wrong of ['5', '{"":5}', '{"":{"sort":"gone","groupBy":["time",5],"conditions":[{"column":"x"}]}}']) {
      locationService.push(`/explore?${viewParameter}=${encodeURIComponent(wrong)}`);
      const view = await shown();
      expect(cells('verdict').length).toBeGreaterThan(5);
      view.unmount();
    }
    locationService.push('/');
  });
});
