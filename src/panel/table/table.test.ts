import type { ColumnId, FlowsView } from '../engine/protocol';
import { columns, defaultColumns, shownColumns } from './columns';
import { layoutColumns, moved, shrunk } from './layout';
import { linesOf, nothingOpen, rowAfter } from './lines';
import { afterKey, drawnRows, scrollTopAfter, scrollTopFor, windowOf } from './rows';

describe('columns', () => {
  test('have the order of their ids, pinned ones first, and a default', () => {
    const ids = (...given: Parameters<typeof shownColumns>) => shownColumns(...given).map(({ id }) => id);
    expect(ids(['verdict', 'time', 'verdict'])).toEqual(['verdict', 'time']);
    expect(ids(['verdict', 'time', 'node'], true, ['node', 'time'])).toEqual(['time', 'node', 'verdict']);
    expect(ids(['agreement', 'time'], false)).toEqual(['time']);
    expect(shownColumns([]).map(({ id }) => id)).toEqual(shownColumns(defaultColumns).map(({ id }) => id));
    expect(shownColumns(undefined).map(({ id }) => id)).toEqual(shownColumns(defaultColumns).map(({ id }) => id));
    expect(shownColumns(['gone'])).toHaveLength(defaultColumns.length);
    expect(new Set(columns.map(({ id }) => id)).size).toBe(columns.length);
  });

  test.each<[ColumnId, number, ColumnId[]]>([
    ['time', 1, ['verdict', 'time', 'agreement', 'source']],
    ['time', 2, ['verdict', 'agreement', 'source', 'time']],
    ['time', -1, ['time', 'verdict', 'agreement', 'source']],
    ['source', -1, ['time', 'source', 'verdict', 'agreement']],
    ['source', -9, ['source', 'time', 'verdict', 'agreement']],
    ['node', 1, ['time', 'verdict', 'agreement', 'source']],
  ])('%s moves by %d places among those that are shown', (column, by, expected) => {
    const shown: ColumnId[] = ['time', 'verdict', 'source'];
    expect(moved(['time', 'verdict', 'agreement', 'source'], shown, column, by)).toEqual(expected);
  });

  const two = shownColumns(['time', 'source']);
  const [timeWidth, sourceWidth] = [108, 180];
  test.each<[number, Partial<Record<ColumnId, number>> | undefined, number[]]>([
    [0, undefined, [timeWidth, sourceWidth]],
    [1000, undefined, [timeWidth, 1000 - timeWidth]],
    [1000, { source: 300 }, [timeWidth, 300]],
    [1000, { time: 200 }, [200, 800]],
    [1000, { time: 1, source: 9_999 }, [40, 1_200]],
    [1000, { time: Number.NaN }, [timeWidth, 1000 - timeWidth]],
  ])('share %d pixels with widths %j', (available, widths, expected) => {
    expect(layoutColumns(two, widths, available)).toEqual(expected);
  });
});

test('a column without values leaves its room to the others', () => {
  const [destination, policy] = shownColumns(['destination', 'policy']);
  expect(layoutColumns([destination!, shrunk(policy!)], undefined, 500)).toEqual([426, 74]);
  expect(layoutColumns([destination!, shrunk(policy!)], { policy: 200 }, 500)).toEqual([300, 200]);
});

test('by default, verdict, policies and drop reason are among the first columns, at 1280 pixels', () => {
  expect(shownColumns(undefined).map(({ id }) => id)).toEqual([
    'time',
    'verdict',
    'agreement',
    'dropReason',
    'source',
    'destination',
    'destinationPort',
    'protocol',
    'summary',
    'policy',
    'direction',
    'type',
  ]);
  const left = layoutColumns(shownColumns(undefined).slice(0, 7), undefined, 0).reduce((sum, width) => sum + width, 0);
  expect(left).toBeLessThan(1280 - 100);
});

describe('the window of rows', () => {
  const slots = drawnRows(400, 20);
  test.each([
    ['top', 0, 0, slots],
    ['middle', 500, 492, 492 + slots],
    ['end', 99_980, 100_000 - slots, 100_000],
    ['beyond the end', 500_000, 100_000 - slots, 100_000],
  ])('at the %s draws as many of many rows', (_, inSight, first, end) => {
    expect(windowOf(inSight, slots, 100_000)).toEqual({ first, end });
  });

  test('of few rows has all of them', () => {
    expect(windowOf(3, slots, 5)).toEqual({ first: 0, end: 5 });
    expect(windowOf(0, slots, 0)).toEqual({ first: 0, end: 0 });
  });
});

test.each<[string, number, number[], number[], number]>([
  ['at the top stays there', 0, [5, 6, 7], [9, 5, 6, 7], 0],
  ['stays at the row that moved', 25, [5, 6, 7], [9, 5, 8, 6, 7], 65],
  ['stays where rows came below', 45, [5, 6, 7], [5, 6, 7, 8, 9], 45],
  ['stays where the row is gone', 25, [5, 6, 7], [5, 7], 25],
])('a reader %s', (_, scrollTop, before, after, expected) => {
  const lines = (rows: number[]) =>
    linesOf(
      {
        rows: Uint32Array.from(rows),
        packetEnds: new Uint32Array(),
        all: rows.length,
        verdictCounts: [],
        agreementCounts: [],
      },
      nothingOpen
    );
  expect(scrollTopAfter(scrollTop, 20, lines(before), lines(after))).toBe(expected);
});

test.each([
  ['above', 5, 200, 100],
  ['in sight', 12, 200, 200],
  ['below', 40, 200, 420],
])('a row %s is scrolled to', (_, row, scrollTop, expected) => {
  expect(scrollTopFor(row, scrollTop, 400, 20)).toBe(expected);
});

test.each([
  ['ArrowDown', [-1, -1], [0, -1]],
  ['ArrowDown', [9, 2], [9, 2]],
  ['ArrowUp', [3, 1], [2, 1]],
  ['ArrowUp', [-1, -1], [0, -1]],
  ['PageDown', [0, -1], [4, -1]],
  ['PageDown', [8, -1], [9, -1]],
  ['PageUp', [8, 0], [4, 0]],
  ['Home', [8, -1], [0, -1]],
  ['End', [0, -1], [9, -1]],
  ['Home', [8, 2], [8, 0]],
  ['End', [8, 0], [8, 2]],
  ['ArrowRight', [8, -1], [8, 0]],
  ['ArrowRight', [8, 2], [8, 2]],
  ['ArrowLeft', [8, 0], [8, -1]],
  ['ArrowLeft', [-1, -1], [0, -1]],
  ['a', [3, 0], undefined],
])('%s leads from %j to %j', (key, [line = 0, column = 0], expected) => {
  const size = { page: 4, lines: 10, columns: 3 };
  const place = afterKey(key, { line, column }, size, false);
  expect(place && [place.line, place.column]).toEqual(expected);
  expect(afterKey(key, { line, column }, { ...size, lines: 0 }, false)).toBeUndefined();
});

test('Home and End with Ctrl lead to the first and last line from a cell too', () => {
  const size = { page: 4, lines: 10, columns: 3 };
  expect(afterKey('End', { line: 3, column: 1 }, size, true)).toEqual({ line: 9, column: 1 });
  expect(afterKey('Home', { line: 3, column: 1 }, size, true)).toEqual({ line: 0, column: 1 });
});

describe('the lines', () => {
  const view = (rows: number[], packetEnds: number[], groupEnds?: number[]): FlowsView => ({
    rows: Uint32Array.from(rows),
    packetEnds: Uint32Array.from(packetEnds),
    all: packetEnds.length || rows.length,
    groups: groupEnds && {
      ends: Uint32Array.from(groupEnds),
      dropped: new Uint32Array(groupEnds.length),
      firstMs: new Float64Array(groupEnds.length),
      lastMs: new Float64Array(groupEnds.length),
    },
    verdictCounts: [],
    agreementCounts: [],
  });
  const opened = (groups: number[], packets: number[]) => ({ groups: new Set(groups), packets: new Set(packets) });
  const shown = (given: FlowsView, open = nothingOpen) => {
    const lines = linesOf(given, open);
    return Array.from({ length: lines.count }, (_, at) => {
      const line = lines.at(at);
      return line && `${line.kind} ${line.kind === 'group' ? line.group : line.row}`;
    });
  };

  test('are records, or packets that open', () => {
    expect(shown(view([7, 5, 6], []))).toEqual(['packet 7', 'packet 5', 'packet 6']);
    const folded = view([7, 5, 6], [2, 3]);
    expect(shown(folded)).toEqual(['packet 7', 'packet 6']);
    expect(shown(folded, opened([], [7]))).toEqual(['packet 7', 'part 5', 'packet 6']);
    expect(shown(folded, opened([], [6, 5]))).toEqual(['packet 7', 'packet 6']);
    expect(shown(view([], []))).toEqual([]);
  });

  test('of groups open to their packets', () => {
    const grouped = view([7, 5, 6, 8], [2, 3, 4], [1, 3]);
    expect(shown(grouped)).toEqual(['group 0', 'group 1']);
    expect(shown(grouped, opened([6], []))).toEqual(['group 0', 'group 1', 'packet 6', 'packet 8']);
    expect(shown(grouped, opened([7], [7]))).toEqual(['group 0', 'packet 7', 'part 5', 'group 1']);
    expect(linesOf(grouped, nothingOpen).flowsOf(1)).toBe(2);
    expect([...linesOf(grouped, nothingOpen).rows(1, 1)]).toEqual([6, 8]);
    expect([...linesOf(grouped, nothingOpen).rows(0, 1)]).toEqual([7, 5, 6, 8]);
  });

  test.each([
    [[7, 5, 6], [2, 3], 7, 1, 6],
    [[7, 5, 6], [2, 3], 6, -1, 7],
    [[7, 5, 6], [2, 3], 5, 1, 6],
    [[7, 5, 6], [2, 3], 6, 1, undefined],
    [[7, 5, 6], [], 7, 1, 5],
    [[7, 5, 6], [], 7, -1, undefined],
    [[7, 5, 6], [], 9, 1, undefined],
  ])('of rows %j and packets %j: from row %d by %d to %p', (rows, ends, row, step, expected) => {
    expect(rowAfter(view(rows, ends), row, step)).toBe(expected);
  });
});
