import { CoreApp, dateTime, LoadingState, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { setBackendSrv, type BackendSrv, type BackendSrvRequest, type FetchResponse } from '@grafana/runtime';
import { concat, NEVER, Observable, of, Subject, throwError, type Observer } from 'rxjs';

import type { HubbleQuery } from '../query/model';
import { text } from '../text';
import { RecordReader } from './records';
import { slicedFlows, slicedQueries, together } from './slicedFlows';

function record(kind: number, content: unknown): Uint8Array {
  const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
  const record = new Uint8Array(5 + bytes.length);
  record[0] = kind;
  new DataView(record.buffer).setUint32(1, bytes.length, true);
  record.set(bytes, 5);
  return record;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const head = record(1, {
  executed: 'hubble observe',
  limit: 9_000,
  custom: { policiesRevision: 'r1' },
  notices: [{ severity: 'info', text: 'at first' }],
});
const first = [record(2, Uint8Array.of(1, 2)), record(2, Uint8Array.of(3)), record(3, { flows: 1_500 })];
const second = [record(2, Uint8Array.of(4)), record(3, { flows: 9_000 })];
const end = record(4, {
  flows: 9_000,
  custom: { memory: { begins: 1 } },
  notices: [{ severity: 'warning', text: 'at last' }],
});

function piece(data: Uint8Array | undefined, status = 200): FetchResponse<Uint8Array | undefined> {
  return { data, status, ok: status < 300 } as FetchResponse<Uint8Array | undefined>;
}

const range = { from: dateTime(1_000), to: dateTime(61_000), raw: { from: 'now-1m', to: 'now' } };
const wholeAnswer: DataQueryResponse = { data: [], state: LoadingState.Done, key: 'whole' };

function ask(pieces: Observable<FetchResponse<Uint8Array | undefined>>) {
  const chunked = jest.fn((_: BackendSrvRequest) => pieces);
  setBackendSrv({ chunked } as unknown as BackendSrv);
  const responses: DataQueryResponse[] = [];
  const whole = jest.fn(() => of(wholeAnswer));
  const asked = { refId: 'A', queryType: 'flows', format: 'packed' } as const;
  const answer = slicedFlows(asked, range, { uid: 'hubble', refId: 'A', key: 'Q1.A', query: asked }, whole);
  const complete = jest.fn();
  const subscription = answer.subscribe({ next: (response) => responses.push(response), complete });
  return { responses, whole, chunked, subscription, complete };
}

/** The bytes of each frame's rows. */
const rowsOf = ({ data }: DataQueryResponse) =>
  data.map((frame) => frame.fields[0].values.map(({ bytes }: { bytes: Uint8Array }) => [...bytes]));

test.each([1, 2, 3, 7, 1_000])('records are read however the network cuts them: %i bytes a piece', (length) => {
  const bytes = join(head, ...first, ...second, end);
  const reader = new RecordReader();
  const read = [];
  for (let at = 0; at < bytes.length; at += length) {
    read.push(...reader.push(bytes.subarray(at, at + length)));
  }
  expect(read.map(({ kind }) => kind)).toEqual(['head', 'flows', 'flows', 'slice', 'flows', 'slice', 'end']);
  expect(read[1]).toEqual({ kind: 'flows', packed: Uint8Array.of(1, 2) });
});

test('an answer grows slice by slice, and says so until its end', () => {
  const pieces = new Subject<FetchResponse<Uint8Array | undefined>>();
  const { responses, chunked, complete } = ask(pieces);
  expect(chunked.mock.calls[0]?.[0]).toMatchObject({
    url: 'api/datasources/uid/hubble/resources/flows',
    method: 'POST',
    data: { query: { queryType: 'flows' }, from: 1_000, to: 61_000 },
  });
  pieces.next(piece(join(head, ...first.slice(0, 2))));
  expect(responses).toEqual([]);
  pieces.next(piece(first[2]));
  expect(responses).toHaveLength(1);
  expect(responses[0]).toMatchObject({ key: 'Q1.A', state: LoadingState.Streaming });
  expect(responses[0]?.data[0].meta).toMatchObject({
    executedQueryString: 'hubble observe',
    preferredVisualisationPluginId: 'k8snet-flows-panel',
    notices: [{ text: 'at first' }],
    custom: {
      packed: 'hubble-flows/1',
      datasourceUid: 'hubble',
      policiesRevision: 'r1',
      flows: 1_500,
      underWay: { flows: 1_500, atMost: 9_000 },
    },
  });
  pieces.next(piece(join(...second, end)));
  pieces.next(piece(undefined));
  pieces.complete();
  const last = responses[responses.length - 1] as DataQueryResponse;
  expect(last.state).toBe(LoadingState.Done);
  expect(rowsOf(last)).toEqual([[[1, 2], [3]], [[4]]]);
  expect(last.data[0].meta.custom.underWay).toBeUndefined();
  expect(last.data[0].meta.custom.memory).toEqual({ begins: 1 });
  expect(last.data[0].meta.notices.map((notice: { text: string }) => notice.text)).toEqual(['at first', 'at last']);
  // The panel knows by the values which flows it has.
  expect(last.data[0].fields[0].values).toBe(responses[0]?.data[0].fields[0].values);
  expect(last.data.map((frame) => frame.meta.custom.policiesRevision)).toEqual(['r1', undefined]);
  expect(complete).toHaveBeenCalledTimes(1);
});

test('a snapshot of the frames holds base64', () => {
  const { responses } = ask(of(piece(join(head, ...first, end))));
  const [last] = responses.slice(-1);
  const stored = JSON.parse(JSON.stringify(last?.data[0])) as { fields: Array<{ values: string[] }> };
  expect(stored.fields[0]?.values).toEqual(['AQI=', 'Aw==']);
  expect(String(last?.data[0].fields[0].values[1])).toBe('Aw==');
});

test('an empty answer is one frame without rows', () => {
  const { responses } = ask(of(piece(join(head, record(4, { flows: 0, custom: {}, notices: [] })))));
  expect(responses).toHaveLength(1);
  expect(rowsOf(responses[0] as DataQueryResponse)).toEqual([[]]);
});

test.each<[string, Observable<FetchResponse<Uint8Array | undefined>>, string]>([
  ['an end without the last record', of(piece(join(head, ...first, second[0] as Uint8Array))), text.slices.ended],
  [
    'an error',
    concat(
      of(piece(join(head, ...first))),
      throwError(() => new Error('network changed'))
    ),
    'network changed',
  ],
  ['other bytes', of(piece(join(head, ...first, record(9, 'x')))), 'a record of kind 9'],
])('%s keeps what came, with a notice', (_, pieces, why) => {
  const { responses, whole, complete } = ask(pieces);
  const last = responses[responses.length - 1] as DataQueryResponse;
  expect(last.state).toBe(LoadingState.Done);
  expect(rowsOf(last)).toEqual([[[1, 2], [3]]]);
  const notice = text.slices.broken(1_500, why);
  expect(last.data[0].meta.notices).toContainEqual({ severity: 'warning', text: notice });
  expect(last.data[0].meta.custom).toMatchObject({ incomplete: [notice] });
  expect(last.data[0].meta.custom.underWay).toBeUndefined();
  expect(whole).not.toHaveBeenCalled();
  expect(complete).toHaveBeenCalledTimes(1);
});

test.each<[string, Observable<FetchResponse<Uint8Array | undefined>>]>([
  ['forbids the resource', of(piece(new TextEncoder().encode('{"message":"no"}'), 403))],
  ['does not know the resource', of(piece(undefined, 404))],
  ['answers with a page', of(piece(new TextEncoder().encode('<!doctype html>')), piece(undefined))],
  ['does not answer', throwError(() => ({ status: 0, statusText: 'Failed to fetch' }))],
])('a Grafana that %s gets the query as any other', (_, pieces) => {
  const { responses, whole } = ask(pieces);
  expect(whole).toHaveBeenCalledTimes(1);
  expect(responses).toEqual([wholeAnswer]);
});

test.each([
  ['{"message":"no relay address is set"}', 'no relay address is set'],
  ['<html>', text.slices.failed(502)],
])('a failed query says why: %s', (body, message) => {
  const bytes = new TextEncoder().encode(body);
  const { responses, whole } = ask(of(piece(bytes.subarray(0, 4), 502), piece(bytes.subarray(4), 502)));
  expect(whole).not.toHaveBeenCalled();
  expect(responses).toMatchObject([{ state: LoadingState.Error, key: 'Q1.A', error: { refId: 'A', message } }]);
});

test('leaving cancels the call', () => {
  const cancelled = jest.fn();
  const { subscription } = ask(
    new Observable((observer: Observer<FetchResponse<Uint8Array | undefined>>) => {
      observer.next(piece(join(head, ...first)));
      return cancelled;
    })
  );
  expect(cancelled).not.toHaveBeenCalled();
  subscription.unsubscribe();
  expect(cancelled).toHaveBeenCalledTimes(1);
});

describe('the queries that come in slices', () => {
  const packed = { refId: 'A', queryType: 'flows', format: 'packed' };
  const request = (change: object) =>
    ({ app: CoreApp.Explore, targets: [packed], ...change }) as unknown as DataQueryRequest<HubbleQuery>;

  test.each([
    ['in Explore', {}, ['A']],
    ['in the flows panel', { app: 'dashboard', panelPluginId: 'k8snet-flows-panel' }, ['A']],
    ['not in another panel', { app: 'dashboard', panelPluginId: 'table' }, []],
    ['not where the panel is not known', { app: 'dashboard' }, []],
    ['not another format', { targets: [{ ...packed, format: 'table' }] }, []],
    ['not a hidden one', { targets: [{ ...packed, hide: true }] }, []],
    ['not PromQL', { targets: [{ refId: 'P', expr: 'up' }, packed] }, ['A']],
    [
      'not beside expressions',
      { targets: [packed, { refId: 'E', datasource: { type: '__expr__', uid: '__expr__' } }] },
      [],
    ],
  ])('%s', (_, change, expected) => {
    setBackendSrv({ chunked: jest.fn() } as unknown as BackendSrv);
    expect(slicedQueries(request(change)).map(({ refId }) => refId)).toEqual(expected);
  });

  test('not where Grafana hands out whole answers only', () => {
    setBackendSrv({} as BackendSrv);
    expect(slicedQueries(request({}))).toEqual([]);
  });
});

test('answers together are done when all are', () => {
  const states: Array<LoadingState | undefined> = [];
  const [one, other] = [new Subject<DataQueryResponse>(), new Subject<DataQueryResponse>()];
  together([one, other]).subscribe(({ state }) => states.push(state));
  one.next({ data: [], state: LoadingState.Streaming });
  other.next({ data: [] });
  one.next({ data: [], state: LoadingState.Done });
  expect(states).toEqual([LoadingState.Streaming, LoadingState.Streaming, LoadingState.Done]);
  const failed: Array<LoadingState | undefined> = [];
  together([concat(of({ data: [], state: LoadingState.Error }), NEVER), NEVER]).subscribe(({ state }) =>
    failed.push(state)
  );
  expect(failed).toEqual([LoadingState.Error]);
});
