import { defaultView } from '../options';
import type { Request, Response, Start, ViewSpec } from './protocol';
import { WorkerEngine, WorkerGone } from './WorkerEngine';

/** A worker whose answers the test controls. */
class FakeWorker {
  static last: FakeWorker;
  static onStart: (worker: FakeWorker) => void;
  onmessage: ((event: MessageEvent<Response>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  terminated = false;
  readonly requests: Request[] = [];
  started: Start | undefined;

  constructor(readonly address: string) {
    FakeWorker.last = this;
  }

  postMessage(message: Start | Request) {
    if ('kind' in message) {
      this.started = message;
      queueMicrotask(() => FakeWorker.onStart(this));
    } else {
      this.requests.push(message);
    }
  }

  terminate() {
    this.terminated = true;
  }

  say(response: Response) {
    this.onmessage?.(new MessageEvent('message', { data: response }));
  }
}

const spec: ViewSpec = { ...defaultView, columns: [] };
const released: string[] = [];

beforeEach(() => {
  released.length = 0;
  Object.assign(globalThis, { Worker: FakeWorker });
  URL.createObjectURL = () => 'blob:worker';
  URL.revokeObjectURL = (address) => released.push(address);
  FakeWorker.onStart = (worker) => worker.say({ kind: 'ready' });
});

const start = () => WorkerEngine.start('script', 'engine', new ArrayBuffer(8), { startMs: 50, callMs: 1_000 });

test('each answer resolves its own call', async () => {
  const engine = await start();
  expect(released).toEqual(['blob:worker']);
  const [record, view] = [engine.record(3), engine.view(spec)];
  const worker = FakeWorker.last;
  expect(worker.requests.map(({ call }) => call)).toEqual([
    { kind: 'record', row: 3 },
    { kind: 'view', spec },
  ]);
  const rows = {
    rows: new Uint32Array([1]),
    packetEnds: new Uint32Array(),
    all: 1,
    verdictCounts: [],
    agreementCounts: [],
  };
  worker.say({ kind: 'answer', id: worker.requests[1]?.id ?? -1, value: rows });
  worker.say({ kind: 'failure', id: worker.requests[0]?.id ?? -1, message: 'there is no flow in row 3' });
  await expect(view).resolves.toBe(rows);
  await expect(record).rejects.toThrow('there is no flow in row 3');
});

test.each<[string, (worker: FakeWorker) => void, RegExp]>([
  ['stays silent', () => undefined, /did not answer within 0.05 s/],
  ['is refused without a word', (worker) => worker.onerror?.(new ErrorEvent('error')), /refused to start the worker/],
  ['cannot compile', (worker) => worker.say({ kind: 'notStarted', message: 'wasm is forbidden' }), /wasm is forbidden/],
])('a worker that %s is terminated', async (_, onStart, message) => {
  FakeWorker.onStart = onStart;
  await expect(start()).rejects.toThrow(message);
  expect(FakeWorker.last.terminated).toBe(true);
  expect(released).toEqual(['blob:worker']);
});

test('a worker whose constructor throws is an error', async () => {
  Object.assign(globalThis, {
    Worker: function () {
      throw new Error('blocked by the policy of this page');
    },
  });
  await expect(start()).rejects.toThrow('blocked by the policy of this page');
});

test('a worker that dies fails all calls, pending and later', async () => {
  const engine = await start();
  const asked = engine.record(0);
  FakeWorker.last.onerror?.(new ErrorEvent('error', { message: 'out of memory' }));
  await expect(asked).rejects.toThrow('the worker that decodes flows stopped: out of memory');
  await expect(engine.record(0)).rejects.toBeInstanceOf(WorkerGone);
});

test('a call that does not come back ends the worker, and waiting behind another call does not count', async () => {
  const engine = await start();
  jest.useFakeTimers();
  try {
    const worker = FakeWorker.last;
    const [first, second] = [engine.record(0), engine.lint()];
    second.catch(() => undefined);
    jest.advanceTimersByTime(900);
    worker.say({ kind: 'answer', id: worker.requests[0]?.id ?? -1, value: '{}' });
    await expect(first).resolves.toBe('{}');
    jest.advanceTimersByTime(900);
    expect(worker.terminated).toBe(false);
    jest.advanceTimersByTime(100);
    expect(worker.terminated).toBe(true);
    await expect(second).rejects.toMatchObject({
      message: 'the worker that decodes flows stopped: a call took longer than 1 s',
      hung: 'lint',
    });
    await expect(engine.record(0)).rejects.toBeInstanceOf(WorkerGone);
  } finally {
    jest.useRealTimers();
  }
});

test('a worker without calls is not timed', async () => {
  const engine = await start();
  jest.useFakeTimers();
  try {
    const worker = FakeWorker.last;
    const answer = engine.record(0);
    worker.say({ kind: 'answer', id: worker.requests[0]?.id ?? -1, value: '{}' });
    await answer;
    jest.advanceTimersByTime(100_000);
    expect(worker.terminated).toBe(false);
  } finally {
    jest.useRealTimers();
  }
});

test('disposing stops the worker', async () => {
  const engine = await start();
  engine.dispose();
  expect(FakeWorker.last.terminated).toBe(true);
  await expect(engine.load([])).rejects.toBeInstanceOf(WorkerGone);
});

test('the worker gets its module’s bytes, and answers requests about policies', async () => {
  const engine = await start();
  const worker = FakeWorker.last;
  expect(worker.started).toMatchObject({ module: 'engine', wasm: { byteLength: 8 } });
  expect(engine.module).toBe('engine');
  const compiled = { policies: 0, refused: [] };
  const answer = engine.setPolicies([], 'pets');
  worker.say({ kind: 'answer', id: worker.requests[0]?.id ?? -1, value: compiled });
  await expect(answer).resolves.toBe(compiled);
  expect(worker.requests.map(({ call }) => call)).toEqual([{ kind: 'setPolicies', files: [], namespace: 'pets' }]);
});
