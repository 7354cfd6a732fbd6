import { batchOf, series, settled, SlowEngine, spec, view } from '../../tests/frontend/slowEngine';
import { WorkerGone } from './engine/WorkerEngine';
import { FlowsModel } from './FlowsModel';

describe('an answer that comes in slices', () => {
  const [one, two, three] = [series('one'), series('two'), series('three')];
  const grown = (flows: number, firstNew: number, ...strings: string[]) => ({ ...batchOf(flows), strings, firstNew });

  async function begun() {
    const engine = new SlowEngine();
    const model = new FlowsModel(async () => ({ engine }), spec);
    model.setSeries(one);
    await settled();
    return { model, engine };
  }

  test('is decoded slice by slice; rows keep their numbers', async () => {
    const { model, engine } = await begun();
    await engine.answer(batchOf(2));
    await engine.answer(view(2));
    const { viewOf } = model.getState();
    model.openDetail(1);
    await engine.answer('{}');
    model.setSeries([...one, ...two]);
    await settled();
    expect(engine.calls.map(({ name, args }) => [name, args])).toEqual([['append', [['two']]]]);
    expect(model.getState()).toMatchObject({ phase: 'ready', batch: { flows: 2 }, decoded: 1 });
    await engine.answer(grown(5, 4, 'new'));
    expect(model.getState().batch).toMatchObject({ flows: 5, strings: [...batchOf(2).strings, 'new'] });
    await engine.answer(view(5));
    expect(model.getState()).toMatchObject({ view: view(5), viewOf, decoded: 2, detail: { row: 1 } });
    model.setSpec({ text: 'a' });
    await engine.answer(view(1));
    expect(model.getState().viewOf).not.toBe(viewOf);
  });

  test('takes together what came while it was decoded', async () => {
    const { model, engine } = await begun();
    model.setSeries([...one, ...two]);
    model.setSeries([...one, ...two, ...three]);
    await settled();
    expect(engine.calls.map(({ name }) => name)).toEqual(['load']);
    await engine.answer(batchOf(2));
    await engine.answer(view(2));
    expect(engine.calls.map(({ name, args }) => [name, args])).toEqual([['append', [['two'], ['three']]]]);
    await engine.answer(grown(6, 4));
    await engine.answer(view(6));
    expect(engine.calls).toEqual([]);
  });

  test('is one load where it came before the engine ran', async () => {
    const engine = new SlowEngine();
    const model = new FlowsModel(async () => ({ engine }), spec);
    model.setSeries(one);
    model.setSeries([...one, ...two]);
    await settled();
    expect(engine.calls.map(({ name, args }) => [name, args])).toEqual([['load', [['one'], ['two']]]]);
  });

  test('gives way to another answer', async () => {
    const { model, engine } = await begun();
    await engine.answer(batchOf(2));
    await engine.answer(view(2));
    model.setSeries([...one, ...two]);
    await settled();
    model.setSeries(three);
    await settled();
    await engine.answer(grown(5, 4));
    expect(engine.calls.map(({ name }) => name)).toEqual(['load']);
    await engine.answer(batchOf(3));
    await engine.answer(view(3));
    expect(model.getState()).toMatchObject({ phase: 'ready', batch: { flows: 3 } });
  });

  test('keeps the order that was asked for meanwhile', async () => {
    const { model, engine } = await begun();
    await engine.answer(batchOf(2));
    await engine.answer(view(2));
    model.setSeries([...one, ...two]);
    await settled();
    model.setSpec({ sort: 'source' });
    await engine.answer(grown(5, 4));
    expect(engine.calls.map(({ name }) => name)).toEqual(['view', 'view']);
    await engine.answer(view(5));
    await engine.answer(view(5));
    expect(engine.calls).toEqual([]);
    expect(model.getState().view?.rows).toHaveLength(5);
  });

  test('is loaded anew by another worker where one hangs', async () => {
    const { model, engine } = await begun();
    await engine.answer(batchOf(2));
    await engine.answer(view(2));
    model.setSeries([...one, ...two]);
    await settled();
    await engine.fail(new WorkerGone('a call took longer than 20 s', 'append'));
    expect(engine.calls.map(({ name, args }) => [name, args])).toEqual([['load', [['one'], ['two']]]]);
    expect(model.getState().replaced).toBe('a call took longer than 20 s');
  });
});
