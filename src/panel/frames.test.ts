import { createDataFrame, FieldType, type DataFrame, type QueryResultMeta } from '@grafana/data';

import { PackedBytes } from '../packedBytes';
import { beginsWith, readFrames } from './frames';

const rows = ['SEZQMQ==', 'AAAA'];

function frame(refId: string, meta: QueryResultMeta, values: unknown[] = rows, name = 'packed'): DataFrame {
  return createDataFrame({ refId, meta, fields: [{ name, type: FieldType.string, values }] });
}

const packed = { custom: { packed: 'hubble-flows/1', flows: 2 } };

test('rows, notices and commands are read from packed frames', () => {
  const notice = { severity: 'warning' as const, text: '7 flows were lost on kind/worker-1' };
  const answer = readFrames([
    frame('A', { ...packed, notices: [notice], executedQueryString: 'hubble observe --last 1000' }),
    frame('B', { ...packed, notices: [notice], executedQueryString: 'hubble observe --last 1000' }),
  ]);
  expect(answer.frames).toEqual([rows, rows]);
  expect(answer.notices).toEqual([notice]);
  expect(answer.commands).toEqual(['hubble observe --last 1000']);
  expect(answer.unsupported).toEqual([]);
});

test.each([
  ['a table', frame('A', { type: 'table' as never }), { refId: 'A', kind: 'otherFormat' }],
  [
    'a later format',
    frame('A', { custom: { packed: 'hubble-flows/2' } }),
    { refId: 'A', kind: 'newerFormat', format: 'hubble-flows/2' },
  ],
  ['a packed frame with another field', frame('A', packed, rows, 'other'), { refId: 'A', kind: 'broken' }],
  ['a packed frame with other values', frame('A', packed, [1, 2]), { refId: 'A', kind: 'broken' }],
])('an unsupported frame: %s', (_, unsupported, expected) => {
  expect(readFrames([unsupported]).unsupported).toEqual([expected]);
});

test('several frames of one query are listed once, with their notices', () => {
  const series = Array.from({ length: 50 }, () => frame('A', { notices: [{ severity: 'info', text: 'cut' }] }));
  expect(readFrames(series)).toMatchObject({ unsupported: [{ refId: 'A' }], notices: [{ text: 'cut' }] });
});

const memory = { begins: 5, completeSince: 7, rangeBegin: 1, rangeEnd: 5, complete: false, forgotten: true };
const later = { begins: 2, completeSince: 9, rangeBegin: 3, rangeEnd: 8, complete: false, forgotten: false };

test.each([
  // The backend compares more exactly than by milliseconds: a range may end where memory begins.
  [[memory], memory],
  [[memory, memory], memory],
  [[memory, later], { begins: 2, completeSince: 9, rangeBegin: 1, rangeEnd: 8, complete: false, forgotten: false }],
  [
    [
      { ...later, complete: true },
      { ...later, complete: true },
    ],
    { ...later, complete: true },
  ],
  [[{ ...later, complete: true }, later], later],
  [[undefined, memory], memory],
  [[{ ...memory, begins: 'x' }, null], undefined],
  [[{ ...memory, forgotten: undefined }], undefined],
])('the memory of %j is merged', (memories, expected) => {
  const { memory } = readFrames(memories.map((memory) => frame('A', { custom: { packed: 'hubble-flows/1', memory } })));
  expect(memory).toEqual(expected);
});

test('answers are compared by their values', () => {
  const one = frame('A', packed);
  const again = { ...one, meta: { ...one.meta, notices: [] } };
  const begins = (frames: DataFrame[], first: DataFrame[]) =>
    beginsWith(readFrames(frames).frames, readFrames(first).frames);
  expect(begins([again], [one])).toBe(true);
  expect(begins([again, frame('A', packed)], [one])).toBe(true);
  expect(begins([frame('A', packed, [...rows])], [one])).toBe(false);
  expect(begins([], [one])).toBe(false);
});

test('the progress of queries that still come adds up', () => {
  const coming = (flows: number, atMost: number) =>
    frame('A', { custom: { packed: 'hubble-flows/1', underWay: { flows, atMost } } });
  expect(readFrames([frame('A', packed)]).underWay).toBeUndefined();
  expect(readFrames([coming(5, 100), frame('A', packed), coming(7, 100)]).underWay).toEqual({ flows: 12, atMost: 200 });
});

test('bytes stand for base64', () => {
  const bytes = [new PackedBytes(Uint8Array.of(1, 2)), { bytes: Uint8Array.of(3) }];
  expect(readFrames([frame('A', packed, bytes)]).frames).toEqual([bytes]);
  expect(readFrames([frame('A', packed, [{ bytes: 'AQI=' }])]).unsupported).toHaveLength(1);
});
