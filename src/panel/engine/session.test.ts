import { base64Rows, packedVector, startWasm } from '../../../tests/frontend/wasm';
import { textColumns } from './generated';
import type { FlowBatch, FlowsView, ViewSpec } from './protocol';
import { defaultView } from '../options';
import type { Session } from './session';
import { sessionOf } from './startSession';

const { rows, expected } = packedVector('mixed');

beforeAll(startWasm);

const everything: ViewSpec = { ...defaultView, columns: ['source'] };

describe.each(['decoder', 'engine'] as const)('%s', (module) => {
  function loaded(): { session: Session; batch: FlowBatch } {
    const session = sessionOf(module);
    return { session, batch: session.answer({ kind: 'load', frames: [rows] }) as FlowBatch };
  }

  test('the module decodes flows as the native build does', () => {
    const { batch } = loaded();
    expect(batch.flows).toBe(expected.flows);
    expect(batch.problems).toEqual([]);
    expect([...batch.sourcePorts]).toEqual(expected.sourcePorts);
    expect([...batch.destinationPorts]).toEqual(expected.destinationPorts);
    for (const column of textColumns) {
      const cells = Array.from(batch.codes[column], (code) => batch.strings[code]);
      expect({ [column]: cells }).toEqual({ [column]: expected.cells[column] });
    }
    expected.timesNanos.forEach((nanos, row) => {
      const noTime = BigInt(nanos) === -(2n ** 63n);
      if (noTime) {
        expect(batch.timesMs[row]).toBeNaN();
      } else {
        expect(batch.timesMs[row]).toBeCloseTo(Number(BigInt(nanos) / 1_000n) / 1_000, 2);
      }
    });
  });

  test.each(expected.views)(
    'the module filters and sorts as the native build does: %j',
    ({ spec, rows, packetEnds, counts }) => {
      const view = loaded().session.answer({ kind: 'view', spec: spec as unknown as ViewSpec }) as FlowsView;
      expect([...view.rows]).toEqual(rows);
      expect([...view.packetEnds]).toEqual(packetEnds);
      expect(Object.fromEntries(view.verdictCounts.map(({ verdict, flows }) => [verdict, flows]))).toEqual(counts);
    }
  );

  test('the module reads every record as the native build does', () => {
    const { session } = loaded();
    expected.records.forEach((record, row) => expect(session.answer({ kind: 'record', row })).toBe(record));
  });

  test('verdicts are selected by name; one that does not occur hides all flows', () => {
    const { session } = loaded();
    const shown = (verdicts: string[]) =>
      (session.answer({ kind: 'view', spec: { ...everything, verdicts } }) as FlowsView).rows.length;
    expect(shown([])).toBe(expected.flows);
    expect(shown(['DROPPED'])).toBe(expected.cells.verdict?.filter((verdict) => verdict === 'DROPPED').length);
    expect(shown(['AUDIT'])).toBe(0);
  });

  test('frames of several queries make one table', () => {
    const batch = sessionOf(module).answer({ kind: 'load', frames: [rows, rows] }) as FlowBatch;
    expect(batch.flows).toBe(2 * expected.flows);
  });

  test('no frames make an empty table', () => {
    const session = sessionOf(module);
    expect((session.answer({ kind: 'load', frames: [] }) as FlowBatch).flows).toBe(0);
    expect((session.answer({ kind: 'view', spec: everything }) as FlowsView).rows).toHaveLength(0);
  });

  test.each([
    ['bytes of another kind', [base64Rows(Buffer.from('<html>'))], /these bytes are not packed flows/],
    ['a text that is not base64', [['HFP1!']], /row 1 of the packed frame is not base64/],
  ])('%s have an error message', (_, frames, message) => {
    expect(() => sessionOf(module).answer({ kind: 'load', frames })).toThrow(message);
  });

  test('a refused answer clears the former flows', () => {
    const { session } = loaded();
    expect(() => session.answer({ kind: 'load', frames: [['!']] })).toThrow();
    expect(() => session.answer({ kind: 'record', row: 0 })).toThrow('no flows are loaded');
  });
});
