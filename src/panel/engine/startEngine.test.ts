import { text } from '../text';
import { InlineEngine } from './InlineEngine';
import { startEngine } from './startEngine';
import { WorkerEngine } from './WorkerEngine';

jest.mock('./InlineEngine');
jest.mock('./WorkerEngine');

const wasm = new ArrayBuffer(8);
const inWorker = {} as WorkerEngine;
const onPage = {} as InlineEngine;

function fetching(ok: boolean) {
  globalThis.fetch = jest.fn(async () => ({ ok, status: ok ? 200 : 404, arrayBuffer: async () => wasm }) as Response);
}

beforeEach(() => {
  jest.mocked(WorkerEngine.start).mockReset();
  jest.mocked(InlineEngine.start).mockReset();
});

// This test comes first: bytes that arrived once are kept for all panels of a page.
test('a module that cannot be fetched is the reported reason', async () => {
  fetching(false);
  jest.mocked(InlineEngine.start).mockResolvedValue(onPage);
  expect(await startEngine('decoder')).toEqual({ engine: onPage, onMainThread: 'asset answered with status 404' });
});

test('flows are decoded in a worker', async () => {
  fetching(true);
  jest.mocked(WorkerEngine.start).mockResolvedValue(inWorker);
  expect(await startEngine('decoder')).toEqual({ engine: inWorker });
  expect(await startEngine('decoder')).toEqual({ engine: inWorker });
  expect(WorkerEngine.start).toHaveBeenCalledWith('asset', 'decoder', wasm, { startMs: 5_000, callMs: 60_000 });
  expect(fetch).toHaveBeenCalledTimes(1);
});

test('without a worker, the main thread decodes, with a reason', async () => {
  jest.mocked(WorkerEngine.start).mockRejectedValue(new Error('the worker did not answer within 5 s'));
  jest.mocked(InlineEngine.start).mockResolvedValue(onPage);
  expect(await startEngine('decoder')).toEqual({
    engine: onPage,
    onMainThread: 'the worker did not answer within 5 s',
  });
});

test('where WebAssembly is forbidden, the error names the required policy', async () => {
  jest.mocked(WorkerEngine.start).mockRejectedValue(new Error('blocked'));
  jest.mocked(InlineEngine.start).mockRejectedValue(new WebAssembly.CompileError('blocked by CSP'));
  await expect(startEngine('engine')).rejects.toThrow(text.states.noWasm);
});

test('any other failure keeps its message', async () => {
  jest.mocked(WorkerEngine.start).mockRejectedValue(new Error('blocked'));
  jest.mocked(InlineEngine.start).mockRejectedValue(new TypeError('Failed to fetch'));
  await expect(startEngine('engine')).rejects.toThrow('Failed to fetch');
});
