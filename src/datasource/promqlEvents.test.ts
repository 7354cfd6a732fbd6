import { FieldType, toDataFrame, type DataQueryRequest } from '@grafana/data';

import { toAnnotationEvents, isAnnotationRequest } from './promqlEvents';
import type { HubbleQuery } from './query/model';

const series = (labels: Record<string, string>, points: Array<[number, number | null]>, stepMs?: number) =>
  toDataFrame({
    refId: 'Anno',
    fields: [
      { name: 'Time', type: FieldType.time, config: { interval: stepMs }, values: points.map(([time]) => time) },
      { name: 'Value', type: FieldType.number, labels, values: points.map(([, value]) => value) },
    ],
  });

test('a series is one event as long as it has values', () => {
  const down = series({ __name__: 'up', job: 'hubble', node: 'a' }, [
    [0, 0],
    [15_000, 0],
    [30_000, null],
    [60_000, 0],
    [200_000, 0],
    [215_000, 0],
  ]);
  const other = series({ __name__: 'up', job: 'hubble', node: 'b' }, [[15_000, 0]]);
  const [frame] = toAnnotationEvents({ data: [down, other] }, 15_000).data;
  const values = Object.fromEntries(
    frame.fields.map((field: { name: string; values: unknown[] }) => [field.name, field.values])
  );
  expect(values).toMatchObject({
    time: [0, 60_000, 200_000, 15_000],
    timeEnd: [15_000, null, 215_000, null],
    text: ['job=hubble, node=a', 'job=hubble, node=a', 'job=hubble, node=a', 'job=hubble, node=b'],
  });
  // Grafana looks for these names.
  expect(frame.fields.map(({ name }: { name: string }) => name)).toEqual(['time', 'timeEnd', 'title', 'text']);
  expect(values.title.every((title: string) => title !== '')).toBe(true);
});

test.each<[string, number | undefined, number, Array<[number, number | null]>]>([
  ['of the request', undefined, 60_000, [[0, 60_000]]],
  ['of the answer, which is longer', 60_000, 15_000, [[0, 60_000]]],
  [
    'of the answer, which is too short for the gap',
    30_000,
    15_000,
    [
      [0, null],
      [60_000, null],
    ],
  ],
])('consecutive values by the step: %s', (_, stepMs, intervalMs, expected) => {
  const points: Array<[number, number | null]> = [
    [0, 0],
    [60_000, 0],
  ];
  const [frame] = toAnnotationEvents({ data: [series({ job: 'hubble' }, points, stepMs)] }, intervalMs).data;
  const [starts, ends] = frame.fields.map(({ values }: { values: unknown[] }) => values);
  expect(starts.map((start: number, at: number) => [start, ends[at]])).toEqual(expected);
});

test('an answer without series stays as it is', () => {
  const empty = { data: [toDataFrame({ refId: 'Anno', fields: [] })] };
  expect(toAnnotationEvents(empty, 15_000)).toBe(empty);
});

test.each<[HubbleQuery, object, boolean]>([
  [{ refId: 'Anno', expr: 'up == 0' }, { __annotation: { text: 'Down', value: {} } }, true],
  [{ refId: 'A', expr: 'up == 0' }, {}, false],
  [{ refId: 'Anno', queryType: 'flowAnnotations' }, { __annotation: { text: 'Drops', value: {} } }, false],
])('%j with %j is an annotation request: %s', (target, scopedVars, expected) => {
  expect(isAnnotationRequest({ targets: [target], scopedVars } as unknown as DataQueryRequest<HubbleQuery>)).toBe(
    expected
  );
});
