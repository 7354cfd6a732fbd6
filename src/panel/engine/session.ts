import { FlowTable } from '../../../frontend-wasm/pkg/decoder';
import type { PackedRow } from '../frames';
import { bytesOfRows } from './base64';
import { judgedColumns, textColumns } from './generated';
import {
  messageOf,
  type Call,
  type FileSpec,
  type FlowBatch,
  type FlowsView,
  type FlowValues,
  type GrownBatch,
  type TextColumnId,
  type Value,
  type ViewSpec,
} from './protocol';

/** The flows of a Wasm module, on the thread that started it; the decoder's table, unless another is given. */
export class Session<Table extends FlowTable = FlowTable> {
  protected table: Table | undefined;
  protected strings: string[] = [];
  /** Reasons why added flows could not be read at all. */
  private defects: string[] = [];

  constructor(private readonly newTable: () => Table) {}

  answer(call: Call): Value {
    switch (call.kind) {
      case 'load':
        return this.load(call.frames);
      case 'append':
        return this.append(call.frames);
      case 'view':
        return this.view(call.spec);
      case 'record':
        return this.loaded().record(call.row);
      case 'values':
        return JSON.parse(this.loaded().values(call.row)) as FlowValues;
      case 'file':
        return this.file(call.spec);
      default:
        throw new Error('the decoder knows no policies');
    }
  }

  dispose(): void {
    this.unload();
  }

  /** Writes the policies' verdicts into the table's columns, if there are policies. */
  protected judge(_table: Table): void {}

  /** A note on policies without a namespace, if such policies judge the flows. */
  protected unplaced(_table: Table): string | undefined {
    return undefined;
  }

  protected loaded(): Table {
    if (!this.table) {
      throw new Error('no flows are loaded');
    }
    return this.table;
  }

  /** The agreements that occur; flows that were not judged have none. */
  protected agreementsOf(codes: Uint32Array): string[] {
    return this.textsOf(codes).filter((agreement) => agreement !== '');
  }

  private unload(): void {
    this.table?.free();
    this.table = undefined;
    this.strings = [];
    this.defects = [];
  }

  private load(frames: PackedRow[][]): FlowBatch {
    this.unload();
    const table = this.newTable();
    try {
      for (const rows of frames) {
        table.append(bytesOfRows(rows));
      }
      const batch = this.batch(table);
      this.table = table;
      return batch;
    } catch (error) {
      table.free();
      throw error;
    }
  }

  /** Flows that cannot be read are a problem of the answer; the flows before them stay. */
  private append(frames: PackedRow[][]): GrownBatch {
    const table = this.loaded();
    const firstNew = this.strings.length;
    for (const rows of frames) {
      try {
        table.append(bytesOfRows(rows));
      } catch (error) {
        this.defects.push(messageOf(error));
      }
    }
    const batch = this.batch(table);
    return { ...batch, strings: batch.strings.slice(firstNew), firstNew };
  }

  /** The flows of a table, judged. */
  private batch(table: Table): FlowBatch {
    this.judge(table);
    this.strings = this.strings.concat(table.stringsFrom(this.strings.length));
    const codes = codesOf(table, [...textColumns, ...judgedColumns]);
    return {
      flows: table.flows,
      problems: [...table.problems(), ...this.defects],
      verdicts: this.textsOf(codes.verdict),
      strings: this.strings,
      timesMs: table.timesMs(),
      sourcePorts: table.sourcePorts(),
      destinationPorts: table.destinationPorts(),
      codes,
      agreements: this.agreementsOf(codes.agreement),
      unplaced: this.unplaced(table),
    };
  }

  private view(spec: ViewSpec): FlowsView {
    const view = this.loaded().view(JSON.stringify(spec));
    try {
      const counts = view.counts();
      const agreementCounts = view.agreementCounts();
      return {
        rows: view.rows(),
        packetEnds: view.packetEnds(),
        all: view.all,
        groups:
          spec.groupBy.length === 0
            ? undefined
            : {
                ends: view.groupEnds(),
                dropped: view.groupDropped(),
                firstMs: view.groupFirstMs(),
                lastMs: view.groupLastMs(),
              },
        verdictCounts: Array.from(view.verdicts(), (code, at) => ({
          verdict: this.strings[code] ?? '',
          flows: counts[at] ?? 0,
        })),
        agreementCounts: Array.from(view.agreements(), (code, at) => ({
          agreement: this.strings[code] ?? '',
          flows: agreementCounts[at] ?? 0,
        })),
      };
    } finally {
      view.free();
    }
  }

  private file({ format, rows, columns, titles }: FileSpec): Uint8Array<ArrayBuffer> {
    const table = this.loaded();
    const bytes = format === 'jsonLines' ? table.jsonLines(rows) : table.csv(rows, columns, titles, format === 'tabs');
    return bytes as Uint8Array<ArrayBuffer>;
  }

  private textsOf(codes: Uint32Array): string[] {
    return Array.from(new Set(codes), (code) => this.strings[code] ?? '');
  }
}

/** The codes of some columns, by row. */
export function codesOf<Id extends TextColumnId>(table: FlowTable, columns: readonly Id[]): Record<Id, Uint32Array> {
  return Object.fromEntries(columns.map((column) => [column, table.codes(column)])) as Record<Id, Uint32Array>;
}

/** The buffers of an answer that can be transferred instead of copied. */
export function buffersOf(value: Value): ArrayBufferLike[] {
  return arraysOf(value).map((array) => array.buffer);
}

function arraysOf(value: Value): Array<Uint8Array | Uint32Array | Uint16Array | Float64Array> {
  if (value instanceof Uint8Array) {
    return [value];
  }
  if (typeof value === 'string' || Array.isArray(value)) {
    return [];
  }
  if (isView(value)) {
    const { ends, dropped, firstMs, lastMs } = value.groups ?? {};
    return [value.rows, value.packetEnds, ends, dropped, firstMs, lastMs].filter((array) => array !== undefined);
  }
  if (isBatch(value)) {
    return [value.timesMs, value.sourcePorts, value.destinationPorts, ...Object.values(value.codes)];
  }
  return 'judged' in value && typeof value.judged === 'object' ? Object.values(value.judged.codes) : [];
}

function isView(value: Exclude<Value, string>): value is FlowsView {
  return 'packetEnds' in value && value.packetEnds instanceof Uint32Array;
}

function isBatch(value: Exclude<Value, string>): value is FlowBatch {
  return 'timesMs' in value && value.timesMs instanceof Float64Array;
}
