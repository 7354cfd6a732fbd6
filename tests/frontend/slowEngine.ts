import { createDataFrame, FieldType, type DataFrame } from '@grafana/data';

import type {
  CompiledPolicies,
  Connection,
  Explanation,
  FileSpec,
  Finding,
  Fix,
  FlowBatch,
  FlowsEngine,
  FlowsView,
  FlowValues,
  GrownBatch,
  ModuleName,
  PolicyFile,
  Reachability,
  ViewSpec,
} from '../../src/panel/engine/protocol';
import { defaultView } from '../../src/panel/options';
import type { PackedRow } from '../../src/panel/frames';

export const spec: ViewSpec = { ...defaultView, columns: ['source'] };

export function series(...rows: string[]): DataFrame[] {
  return [
    createDataFrame({
      meta: { custom: { packed: 'hubble-flows/1' } },
      fields: [{ name: 'packed', type: FieldType.string, values: rows }],
    }),
  ];
}

export function batchOf(flows: number): FlowBatch {
  const codes = { verdict: [1, 1], source: [2, 2], destination: [3, 3], summary: [0, 0], dropReason: [0, 0] };
  return {
    flows,
    verdicts: ['FORWARDED', 'DROPPED'],
    strings: ['', 'DROPPED', 'pets/store-front', 'world'],
    agreements: [] as string[],
    codes: codes as unknown as FlowBatch['codes'],
  } as FlowBatch;
}

/** An engine that answers when the test says so. */
export class SlowEngine implements FlowsEngine {
  readonly calls: Array<{ name: string; args: unknown; resolve(value: never): void; reject(error: Error): void }> = [];
  disposed = false;

  constructor(readonly module: ModuleName = 'engine') {}

  load = (frames: PackedRow[][]) => this.call<FlowBatch>('load', frames);
  append = (frames: PackedRow[][]) => this.call<GrownBatch>('append', frames);
  view = (asked: ViewSpec) => this.call<FlowsView>('view', asked);
  record = (row: number) => this.call<string>('record', row);
  values = (row: number) => this.call<FlowValues>('values', row);
  file = (spec: FileSpec) => this.call<Uint8Array<ArrayBuffer>>('file', spec);
  setPolicies = (files: PolicyFile[]) => this.call<CompiledPolicies>('setPolicies', files);
  explain = (row: number) => this.call<Explanation>('explain', row);
  lint = () => this.call<Finding[]>('lint', undefined);
  suggest = (rows: number[]) => this.call<Fix>('suggest', rows);
  ask = (connection: Connection) => this.call<Reachability>('ask', connection);

  dispose() {
    this.disposed = true;
  }

  async answer(value: unknown) {
    this.calls.shift()?.resolve(value as never);
    await settled();
  }

  async fail(error: Error) {
    this.calls.shift()?.reject(error);
    await settled();
  }

  private call<T>(name: string, args: unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => this.calls.push({ name, args, resolve, reject }));
  }
}

export const settled = () => new Promise((resolve) => setTimeout(resolve));
export const view = (rows: number): FlowsView => ({
  rows: new Uint32Array(rows),
  packetEnds: new Uint32Array(),
  all: rows,
  verdictCounts: [],
  agreementCounts: [],
});
