import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { initSync as initDecoder } from '../../frontend-wasm/pkg/decoder';
import { initSync as initEngine } from '../../frontend-wasm/pkg/engine';
import type { PolicyFile } from '../../src/panel/engine/protocol';

const root = join(__dirname, '../..');

/** Starts the panel's modules in Node.js. */
export function startWasm(): void {
  initDecoder({ module: readFileSync(join(root, 'frontend-wasm/pkg/decoder_bg.wasm')) });
  initEngine({ module: readFileSync(join(root, 'frontend-wasm/pkg/engine_bg.wasm')) });
}

/** A packed stream, with the native build's answers. */
export function packedVector(name: string): { rows: string[]; expected: PackedExpectation } {
  const folder = join(root, 'tests/vectors/packed');
  return {
    rows: base64Rows(readFileSync(join(folder, `${name}.bin`))),
    expected: JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')),
  };
}

/** The lab's flows of its act "chaos". */
export const labRows = () => base64Rows(readFileSync(join(root, 'tests/vectors/packed/chaos.bin')));

/** A file of the lab's policies, without a time of change. */
export function labPolicies(name: string): PolicyFile {
  const text = readFileSync(join(root, 'tests/vectors/policies-lab', name), 'utf8');
  return { name, text, modifiedMs: Number.NaN, folderMs: Number.NaN };
}

/** Slices like the backend's. */
export function base64Rows(bytes: Uint8Array, sliceBytes = 49_152): string[] {
  const rows: string[] = [];
  for (let start = 0; start < bytes.length; start += sliceBytes) {
    rows.push(Buffer.from(bytes.subarray(start, start + sliceBytes)).toString('base64'));
  }
  return rows;
}

export interface PackedExpectation {
  flows: number;
  timesNanos: string[];
  sourcePorts: number[];
  destinationPorts: number[];
  cells: Record<string, string[]>;
  views: Array<{ spec: object; rows: number[]; packetEnds: number[]; counts: Record<string, number> }>;
  records: string[];
}
