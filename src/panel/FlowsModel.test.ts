import { createDataFrame } from '@grafana/data';

import { batchOf, series, settled, SlowEngine, spec, view } from '../../tests/frontend/slowEngine';
import type { CompiledPolicies, Finding, Fix, ModuleName, PolicyFile, ViewSpec } from './engine/protocol';
import { WorkerGone } from './engine/WorkerEngine';
import { FlowsModel } from './FlowsModel';
import { text } from './text';

async function ready(onMainThread?: string) {
  const engine = new SlowEngine();
  const start = jest.fn(async () => ({ engine, onMainThread }));
  const model = new FlowsModel(start, spec);
  model.setSeries(series('one'));
  await settled();
  await engine.answer(batchOf(2));
  await engine.answer(view(2));
  return { model, engine, start };
}

test('the phases of decoding flows', async () => {
  const engine = new SlowEngine();
  const model = new FlowsModel(async () => ({ engine }), spec);
  const phases: string[] = [];
  model.subscribe(() => phases.push(model.getState().phase));
  model.setSeries(series('one'));
  await settled();
  await engine.answer(batchOf(2));
  await engine.answer(view(2));
  expect([...new Set(phases)]).toEqual(['idle', 'starting', 'decoding', 'ready']);
  expect(model.getState()).toMatchObject({ phase: 'ready', batch: { flows: 2 }, view: view(2) });
});

test('the same answer is not decoded again', async () => {
  const { model, engine } = await ready();
  const same = series('two');
  model.setSeries(same);
  await settled();
  await engine.answer(batchOf(1));
  await engine.answer(view(1));
  model.setSeries(same.map((frame) => ({ ...frame })));
  await settled();
  expect(engine.calls).toEqual([]);
});

test('the latest answer wins', async () => {
  const { model, engine } = await ready();
  model.setSeries(series('two'));
  await settled();
  model.setSeries(series('three'));
  await settled();
  await engine.answer(batchOf(20));
  await engine.answer(batchOf(30));
  await engine.answer(view(30));
  expect(model.getState().batch?.flows).toBe(30);
  expect(engine.calls).toEqual([]);
});

test('while a view is computed, only the latest of the next is requested', async () => {
  const { model, engine } = await ready();
  model.setSpec({ text: 'a' });
  model.setSpec({ text: 'ab' });
  model.setSpec({ text: 'abc' });
  expect(engine.calls).toHaveLength(1);
  await engine.answer(view(9));
  expect(engine.calls.map(({ args }) => (args as ViewSpec).text)).toEqual(['abc']);
  await engine.answer(view(1));
  expect(model.getState().view?.rows).toHaveLength(1);
  expect(engine.calls).toEqual([]);
});

test('a filter typed while flows are decoded applies afterwards', async () => {
  const { model, engine } = await ready();
  model.setSeries(series('two'));
  await settled();
  model.setSpec({ text: 'pets' });
  await engine.answer(batchOf(5));
  const asked = engine.calls.map(({ args }) => (args as ViewSpec).text);
  expect(asked).toEqual(['pets']);
});

test('sorting by the same column reverses the order', async () => {
  const { model } = await ready();
  const order = () => [model.getState().spec.sort, model.getState().spec.descending];
  model.sortBy('source');
  expect(order()).toEqual(['source', false]);
  model.sortBy('source');
  expect(order()).toEqual(['source', true]);
  model.sortBy('time');
  expect(order()).toEqual(['time', true]);
});

test('verdicts are selected one by one; selecting all clears the selection', async () => {
  const { model } = await ready();
  const chosen = () => model.getState().spec.verdicts;
  model.toggleVerdict('DROPPED');
  expect(chosen()).toEqual(['DROPPED']);
  model.toggleVerdict('FORWARDED');
  expect(chosen()).toEqual([]);
  model.toggleVerdict('DROPPED');
  model.toggleVerdict('DROPPED');
  expect(chosen()).toEqual([]);
});

test('a flow is read when it is opened; a flow closed meanwhile stays closed', async () => {
  const { model, engine } = await ready();
  model.openDetail(1);
  const cells = { verdict: 'DROPPED', source: 'pets/store-front', destination: 'world', summary: '', dropReason: '' };
  expect(model.getState().detail).toEqual({ row: 1, cells });
  await engine.answer('{"flow":{}}');
  expect(model.getState().detail).toEqual({ row: 1, cells, json: '{"flow":{}}' });
  model.openDetail(0);
  model.closeDetail();
  await engine.answer('{}');
  expect(model.getState().detail).toBeUndefined();
  model.openDetail(0);
  await engine.fail(new Error('there is no flow in row 0'));
  expect(model.getState().detail).toMatchObject({ row: 0, error: 'there is no flow in row 0' });
});

test('rows of flows that are being replaced do not open', async () => {
  const { model, engine } = await ready();
  model.setSeries(series('two'));
  await settled();
  model.openDetail(0);
  expect(model.getState().detail).toBeUndefined();
  expect(engine.calls.map(({ name }) => name)).toEqual(['load']);
});

test('an answer that cannot be decoded is an error; the next answer is decoded', async () => {
  const { model, engine } = await ready();
  model.setSeries(series('broken'));
  await settled();
  await engine.fail(new Error('these bytes are not packed flows'));
  expect(model.getState()).toMatchObject({ phase: 'failed', error: 'these bytes are not packed flows' });
  model.setSeries(series('three'));
  await settled();
  await engine.answer(batchOf(3));
  await engine.answer(view(3));
  expect(model.getState()).toMatchObject({ phase: 'ready', error: undefined, batch: { flows: 3 } });
});

test('a dead worker is replaced', async () => {
  const { model, engine, start } = await ready();
  model.setSpec({ text: 'x' });
  await engine.fail(new WorkerGone('out of memory'));
  expect(model.getState().phase).toBe('failed');
  model.setSeries(series('two'));
  await settled();
  expect(start).toHaveBeenCalledTimes(2);
});

test('a worker that hangs is replaced by one with the same flows, twice at most', async () => {
  const { model, engine, start } = await ready();
  for (const times of [1, 2]) {
    model.setSpec({ text: `x${times}` });
    await engine.fail(new WorkerGone('a call took longer than 60 s', 'view'));
    expect(start).toHaveBeenCalledTimes(times + 1);
    expect(model.getState().replaced).toBe('a call took longer than 60 s');
    await engine.answer(batchOf(2));
    await engine.answer(view(1));
    expect(model.getState()).toMatchObject({ phase: 'ready', error: undefined });
  }
  model.setSpec({ text: 'x3' });
  await engine.fail(new WorkerGone('a call took longer than 60 s', 'view'));
  expect(model.getState()).toMatchObject({ phase: 'failed' });
  model.setSeries(series('two'));
  await settled();
  expect(model.getState().replaced).toBeUndefined();
  expect(start).toHaveBeenCalledTimes(4);
});

test('a worker that hangs with an opened flow is replaced, and reads it again', async () => {
  const [hung, next] = [new SlowEngine(), new SlowEngine()];
  const engines = [hung, next];
  const model = new FlowsModel(async () => ({ engine: engines.shift() ?? next }), spec);
  model.setSeries(series('one'));
  await settled();
  await hung.answer(batchOf(2));
  await hung.answer(view(2));
  model.openDetail(1);
  await hung.fail(new WorkerGone('a call took longer than 60 s', 'record'));
  await next.answer(batchOf(2));
  await next.answer(view(2));
  await next.answer('{}');
  expect(model.getState().detail).toMatchObject({ row: 1, json: '{}' });
  expect(model.getState().detail?.error).toBeUndefined();
});

test('the reason for decoding on the main thread is kept', async () => {
  const { model } = await ready('the worker did not answer within 5 s');
  expect(model.getState().onMainThread).toBe('the worker did not answer within 5 s');
});

test('a decoder that cannot be started is an error', async () => {
  const model = new FlowsModel(() => Promise.reject(new Error('no WebAssembly here')), spec);
  model.setSeries(series('one'));
  await settled();
  expect(model.getState()).toMatchObject({ phase: 'failed', error: 'no WebAssembly here' });
});

test('an answer without flows needs no decoder and clears the former flows', async () => {
  const start = jest.fn();
  const idle = new FlowsModel(start, spec);
  idle.setSeries([]);
  await settled();
  expect(start).not.toHaveBeenCalled();

  const { model, engine } = await ready();
  model.setSeries([createDataFrame({ refId: 'B', fields: [] })]);
  expect(engine.disposed).toBe(true);
  expect(model.getState()).toMatchObject({
    phase: 'idle',
    batch: undefined,
    answer: { unsupported: [{ refId: 'B' }] },
  });
});

test('disposing frees the memory, also of an engine that starts too late', async () => {
  const { model, engine } = await ready();
  model.dispose();
  expect(engine.disposed).toBe(true);

  const late = new SlowEngine();
  const unmounted = new FlowsModel(async () => ({ engine: late }), spec);
  unmounted.setSeries(series('one'));
  unmounted.dispose();
  await settled();
  expect(late.disposed).toBe(true);
  expect(late.calls).toEqual([]);
});

const file = (text: string): PolicyFile => ({ name: 'a.yaml', text, modifiedMs: 1, folderMs: 1 });
const compiledPolicies = (): CompiledPolicies => ({
  policies: 1,
  refused: [],
  judged: {
    newStrings: ['differs'],
    firstNew: 4,
    codes: { agreement: [4, 0], computed: [0, 0], decidedBy: [0, 0] } as unknown as Record<
      'agreement' | 'computed' | 'decidedBy',
      Uint32Array
    >,
    agreements: ['differs'],
  },
});

test('policies are compiled once, with their verdicts in the batch', async () => {
  const { model, engine } = await ready();
  model.setPolicies({ files: [file('one')], notices: [], namespace: '' });
  model.setPolicies({ files: [file('one')], notices: [{ severity: 'warning', text: 'a notice' }], namespace: '' });
  expect(engine.calls.map(({ name }) => name)).toEqual(['setPolicies']);
  await engine.answer(compiledPolicies());
  await engine.answer(view(2));
  const { policies, batch } = model.getState();
  expect(policies).toMatchObject({ compiled: 1, notices: [{ text: 'a notice' }] });
  expect(batch?.strings[batch.codes.agreement[0] ?? 0]).toBe('differs');

  model.openDetail(1);
  expect(engine.calls.map(({ name }) => name)).toEqual(['record', 'explain']);
  await engine.answer('{}');
  await engine.answer({ sentence: 'Observed: x. Computed: y.' });
  expect(model.getState().detail).toMatchObject({ json: '{}', explanation: { sentence: 'Observed: x. Computed: y.' } });

  model.toggleAgreement('differs');
  expect(model.getState().spec.agreements).toEqual(['differs']);
  model.toggleAgreement('differs');
  expect(model.getState().spec.agreements).toEqual([]);
});

test('policies that arrive while flows are decoded wait; without new ones the former stay', async () => {
  const engine = new SlowEngine();
  const model = new FlowsModel(async () => ({ engine }), spec);
  model.setSeries(series('one'));
  model.setPolicies({ files: [file('one')], notices: [], namespace: '' });
  await settled();
  expect(engine.calls.map(({ name }) => name)).toEqual(['load']);
  await engine.answer(batchOf(2));
  await engine.answer(view(2));
  expect(engine.calls.map(({ name }) => name)).toEqual(['setPolicies']);
  // Other flows begin to load: the engine itself judges their batch.
  model.setSeries(series('two'));
  await engine.answer(compiledPolicies());
  expect(model.getState().batch?.strings).toHaveLength(4);
  await engine.answer(batchOf(1));
  await engine.answer(view(1));
  expect(engine.calls).toHaveLength(0);
  model.noPolicies('the server is slow');
  expect(model.getState().policies).toMatchObject({ compiled: 1, problem: 'the server is slow' });
});

function withBothModules() {
  const [decoder, whole] = [new SlowEngine('decoder'), new SlowEngine('engine')];
  const start = jest.fn(async (module: ModuleName) => ({ engine: module === 'engine' ? whole : decoder }));
  return { decoder, whole, start, model: new FlowsModel(start, spec) };
}

test('when policies appear later, the whole engine replaces the decoder and gets the flows again', async () => {
  const { decoder, whole, start, model } = withBothModules();
  model.setSeries(series('one'));
  await settled();
  await decoder.answer(batchOf(2));
  await decoder.answer(view(2));
  model.openDetail(1);
  model.setPolicies({ files: [file('one')], notices: [], namespace: '' });
  await settled();
  expect(start.mock.calls).toEqual([['decoder'], ['engine']]);
  expect(decoder.disposed).toBe(true);
  expect(model.getState().batch?.flows).toBe(2);
  expect(whole.calls.map(({ name, args }) => [name, args])).toEqual([['load', [['one']]]]);
  // Questions that a disposed decoder leaves unanswered are not a fault.
  await decoder.fail(new WorkerGone('it was disposed of'));
  await whole.answer(batchOf(2));
  await whole.answer(view(2));
  expect(whole.calls.map(({ name }) => name)).toEqual(['setPolicies', 'record']);
  await whole.answer(compiledPolicies());
  await whole.answer('{}');
  expect(whole.calls.map(({ name, args }) => [name, args])).toEqual([
    ['view', spec],
    ['explain', 1],
  ]);
  expect(model.getState().detail).toMatchObject({ row: 1, json: '{}' });
  expect(model.getState().detail?.error).toBeUndefined();
});

test('policies that hang are not compiled again, and the flows stay', async () => {
  const { whole, start, model } = withBothModules();
  model.setPolicies({ files: [file('one')], notices: [], namespace: '' });
  model.setSeries(series('one'));
  await settled();
  await whole.answer(batchOf(2));
  await whole.answer(view(2));
  await whole.fail(new WorkerGone('a call took longer than 60 s', 'setPolicies'));
  expect(start.mock.calls).toEqual([['engine'], ['engine']]);
  await whole.answer(batchOf(2));
  await whole.answer(view(2));
  expect(whole.calls).toEqual([]);
  expect(model.getState()).toMatchObject({ phase: 'ready', replaced: 'a call took longer than 60 s' });
  expect(model.getState().policies.problem).toMatch(/could not be compiled: .* longer than 60 s/);
  model.setPolicies({ files: [file('two')], notices: [], namespace: '' });
  await settled();
  expect(whole.calls.map(({ name }) => name)).toEqual(['setPolicies']);
});

test('policies known before the flows start the whole engine at once', async () => {
  const { whole, start, model } = withBothModules();
  model.setPolicies({ files: [file('one')], notices: [], namespace: '' });
  model.setSeries(series('one'));
  await settled();
  await whole.answer(batchOf(2));
  await whole.answer(view(2));
  expect(start.mock.calls).toEqual([['engine']]);
  expect(whole.calls.map(({ name }) => name)).toEqual(['setPolicies']);
});

test('policies that are expected start the whole engine at once, too', async () => {
  const { whole, start, model } = withBothModules();
  model.setSeries(series('one'), true);
  await settled();
  expect(start.mock.calls).toEqual([['engine']]);
  await whole.answer(batchOf(2));
  await whole.answer(view(2));
  model.setPolicies({ files: [file('one')], notices: [], namespace: '' });
  expect(whole.calls.map(({ name }) => name)).toEqual(['setPolicies']);
});

test('if the whole engine does not start, flows are shown anyway, and the next answer tries again', async () => {
  const { decoder, whole, start, model } = withBothModules();
  start.mockImplementationOnce(async () => ({ engine: decoder }));
  start.mockRejectedValueOnce(new Error('asset answered with status 502'));
  model.setSeries(series('one'));
  await settled();
  await decoder.answer(batchOf(2));
  await decoder.answer(view(2));
  model.setPolicies({ files: [file('one')], notices: [], namespace: '' });
  await settled();
  await decoder.answer(batchOf(2));
  await decoder.answer(view(2));
  expect(model.getState()).toMatchObject({
    phase: 'ready',
    policies: { compiled: 0, problem: text.policies.uncompiled('asset answered with status 502') },
  });
  expect(start).toHaveBeenCalledTimes(2);
  model.setSeries(series('two'));
  await settled();
  expect(start).toHaveBeenLastCalledWith('engine');
  expect(whole.calls.map(({ name }) => name)).toEqual(['load']);
});

test('a fix is computed on request only, and not for a row of former flows', async () => {
  const { engine, model } = await ready();
  model.openDetail(1);
  await engine.answer('{}');
  model.suggestFix();
  expect(model.getState().detail?.fix).toBe('asked');
  expect(engine.calls.map(({ name, args }) => [name, args])).toEqual([['suggest', [1]]]);
  await engine.fail(new Error('no memory'));
  expect(model.getState().detail).toMatchObject({ fix: undefined, fixError: 'no memory' });
  model.suggestFix();
  const fix: Fix = { edits: [], texts: [], yaml: 'a: b\n', fixed: [1], unfixed: [], alsoAllowed: [], stillDenied: [] };
  await engine.answer(fix);
  expect(model.getState().detail).toMatchObject({ fix, fixError: undefined });

  model.setSeries(series('two'));
  await settled();
  await engine.answer(batchOf(2));
  await engine.answer(view(2));
  model.suggestFix();
  expect(engine.calls).toHaveLength(0);
  expect(model.getState().detail?.fixError).toBe(text.fix.stale);
});

test('policies are checked when their drawer opens; an answer after it closed is dropped', async () => {
  const { engine, model } = await ready();
  model.openCheck();
  expect(model.getState().check).toEqual({});
  model.closeCheck();
  await engine.answer([]);
  expect(model.getState().check).toBeUndefined();
  model.openCheck();
  await engine.fail(new Error('no memory'));
  expect(model.getState().check).toEqual({ error: 'no memory' });
  model.openCheck();
  const finding = {
    id: 'deny-only',
    severity: 'warning',
    sentence: 's',
    policy: 'p',
    evidence: [],
    fix: null,
  } as Finding;
  await engine.answer([finding]);
  expect(model.getState().check).toEqual({ findings: [finding] });
});
