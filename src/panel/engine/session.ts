import { FlowTable } from '../../../frontend-wasm/pkg/frontend_wasm';
import { textColumns, type TextColumnId } from '../table/columns';
import { bytesOfRows } from './base64';
import type { Call, FlowBatch, FlowsView, ViewSpec } from './protocol';

/** The Wasm module's flows, on whichever thread it was started. */
export class Session {
  private table: FlowTable | undefined;
  private codesByVerdict = new Map<string, number>();
  private strings: string[] = [];

  answer(call: Call): FlowBatch | FlowsView | string {
    switch (call.kind) {
      case 'load':
        return this.load(call.frames);
      case 'view':
        return this.view(call.spec);
      case 'record':
        return this.loaded().record(call.row);
    }
  }

  dispose(): void {
    this.table?.free();
    this.table = undefined;
    this.strings = [];
  }

  private load(frames: string[][]): FlowBatch {
    this.dispose();
    const table = new FlowTable();
    try {
      for (const rows of frames) {
        table.append(bytesOfRows(rows));
      }
      const strings = table.strings();
      const codes = Object.fromEntries(textColumns.map((column) => [column, table.codes(column)])) as Record<
        TextColumnId,
        Uint32Array
      >;
      this.codesByVerdict = new Map();
      for (const code of new Set(codes.verdict)) {
        this.codesByVerdict.set(strings[code] ?? '', code);
      }
      this.table = table;
      this.strings = strings;
      return {
        flows: table.flows,
        problems: table.problems(),
        verdicts: [...this.codesByVerdict.keys()],
        strings,
        timesMs: table.timesMs(),
        sourcePorts: table.sourcePorts(),
        destinationPorts: table.destinationPorts(),
        codes,
      };
    } catch (error) {
      table.free();
      throw error;
    }
  }

  private view(spec: ViewSpec): FlowsView {
    const verdicts = spec.verdicts.flatMap((verdict) => this.codesByVerdict.get(verdict) ?? []);
    // Verdicts that these flows do not have must hide all of them, not show all.
    const chosen = spec.verdicts.length > 0 && verdicts.length === 0 ? [0] : verdicts;
    const view = this.loaded().view(spec.text, spec.columns, Uint32Array.from(chosen), spec.sort, spec.descending);
    try {
      const counts = view.counts();
      return {
        rows: view.rows(),
        verdictCounts: Array.from(view.verdicts(), (code, at) => ({
          verdict: this.strings[code] ?? '',
          flows: counts[at] ?? 0,
        })),
      };
    } finally {
      view.free();
    }
  }

  private loaded(): FlowTable {
    if (!this.table) {
      throw new Error('no flows are loaded');
    }
    return this.table;
  }
}

/** The buffers of an answer that may change hands instead of being copied. */
export function buffersOf(value: FlowBatch | FlowsView | string): ArrayBufferLike[] {
  if (typeof value === 'string') {
    return [];
  }
  const arrays =
    'rows' in value
      ? [value.rows]
      : [value.timesMs, value.sourcePorts, value.destinationPorts, ...Object.values(value.codes)];
  return arrays.map((array) => array.buffer);
}
