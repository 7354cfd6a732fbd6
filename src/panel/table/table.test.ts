import type { ColumnId } from '../engine/protocol';
import { columns, defaultColumns, layoutColumns, shownColumns, shrunk } from './columns';
import { rowAfterKey, scrollTopAfter, scrollTopFor, windowOf } from './rows';

describe('columns', () => {
  test('have a fixed order and a default', () => {
    expect(shownColumns(['verdict', 'time']).map(({ id }) => id)).toEqual(['time', 'verdict']);
    expect(shownColumns([]).map(({ id }) => id)).toEqual(shownColumns(defaultColumns).map(({ id }) => id));
    expect(shownColumns(undefined).map(({ id }) => id)).toEqual(shownColumns(defaultColumns).map(({ id }) => id));
    expect(shownColumns(['gone'])).toHaveLength(defaultColumns.length);
    expect(new Set(columns.map(({ id }) => id)).size).toBe(columns.length);
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

test('by default, the type of the record is shown, and the policies next to the verdict', () => {
  expect(shownColumns(undefined).map(({ id }) => id)).toEqual([
    'time',
    'verdict',
    'agreement',
    'direction',
    'type',
    'source',
    'destination',
    'destinationPort',
    'protocol',
    'summary',
    'dropReason',
    'policy',
  ]);
});

describe('the window of rows', () => {
  test.each([
    ['top', 0, 0, 28],
    ['middle', 10_000, 492, 528],
    ['end', 1_999_600, 99_972, 100_000],
    ['beyond the end', 9_999_999, 100_000, 100_000],
  ])('at the %s draws few of many rows', (_, scrollTop, first, end) => {
    expect(windowOf(scrollTop, 400, 20, 100_000)).toEqual({ first, end });
  });

  test('of no rows is empty', () => {
    expect(windowOf(0, 400, 20, 0)).toEqual({ first: 0, end: 0 });
  });
});

test.each<[string, number, number[], number[], number]>([
  ['at the top stays there', 0, [5, 6, 7], [9, 5, 6, 7], 0],
  ['stays at the row that moved', 25, [5, 6, 7], [9, 5, 8, 6, 7], 65],
  ['stays where rows came below', 45, [5, 6, 7], [5, 6, 7, 8, 9], 45],
  ['stays where the row is gone', 25, [5, 6, 7], [5, 7], 25],
])('a reader %s', (_, scrollTop, before, after, expected) => {
  expect(scrollTopAfter(scrollTop, 20, Uint32Array.from(before), Uint32Array.from(after))).toBe(expected);
});

test.each([
  ['above', 5, 200, 100],
  ['in sight', 12, 200, 200],
  ['below', 40, 200, 420],
])('a row %s is scrolled to', (_, row, scrollTop, expected) => {
  expect(scrollTopFor(row, scrollTop, 400, 20)).toBe(expected);
});

test.each([
  ['ArrowDown', -1, 0],
  ['ArrowDown', 9, 9],
  ['ArrowUp', 3, 2],
  ['ArrowUp', -1, 0],
  ['PageDown', 0, 4],
  ['PageDown', 8, 9],
  ['PageUp', 8, 4],
  ['Home', 8, 0],
  ['End', 0, 9],
  ['a', 3, undefined],
])('%s leads from row %d to %s', (key, active, expected) => {
  expect(rowAfterKey(key, active, 4, 10)).toBe(expected);
  expect(rowAfterKey(key, active, 4, 0)).toBeUndefined();
});
