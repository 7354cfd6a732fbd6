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
  private codesByVerdict = new Map<string, number>();
  private codesByAgreement = new Map<string, number>();

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

  /** Records the agreements that occur; flows that were not judged have none. */
  protected agreementsOf(codes: Uint32Array): string[] {
    this.codesByAgreement = this.codesByText(codes);
    return [...this.codesByAgreement.keys()].filter((agreement) => agreement !== '');
  }

  private unload(): void {
    this.table?.free();
    this.table = undefined;
    this.strings = [];
    this.defects = [];
    this.codesByAgreement = new Map();
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
    this.codesByVerdict = this.codesByText(codes.verdict);
    return {
      flows: table.flows,
      problems: [...table.problems(), ...this.defects],
      verdicts: [...this.codesByVerdict.keys()],
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
    const view = this.loaded().view(
      spec.text,
      spec.columns,
      chosenCodes(spec.verdicts, this.codesByVerdict),
      chosenCodes(spec.agreements, this.codesByAgreement),
      spec.sort,
      spec.descending
    );
    try {
      const counts = view.counts();
      const agreementCounts = view.agreementCounts();
      return {
        rows: view.rows(),
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
    const bytes = format === 'csv' ? table.csv(rows, columns, titles) : table.jsonLines(rows, columns);
    return bytes as Uint8Array<ArrayBuffer>;
  }

  private codesByText(codes: Uint32Array): Map<string, number> {
    return new Map(Array.from(new Set(codes), (code) => [this.strings[code] ?? '', code]));
  }
}

/** The codes of some columns, by row. */
export function codesOf<Id extends TextColumnId>(table: FlowTable, columns: readonly Id[]): Record<Id, Uint32Array> {
  return Object.fromEntries(columns.map((column) => [column, table.codes(column)])) as Record<Id, Uint32Array>;
}

/** Codes of chosen texts; a text that these flows lack must hide all of them rather than show all. */
function chosenCodes(names: readonly string[], codes: ReadonlyMap<string, number>): Uint32Array {
  const chosen = names.flatMap((name) => codes.get(name) ?? []);
  return Uint32Array.from(names.length > 0 && chosen.length === 0 ? [noCode] : chosen);
}

/** A code without a text. */
const noCode = 0xffff_ffff;

/** The buffers of an answer that can be transferred instead of copied. */
export function buffersOf(value: Value): ArrayBufferLike[] {
  return arraysOf(value).map((array) => array.buffer);
}

function arraysOf(value: Value): Array<Uint8Array | Uint32Array | Uint16Array | Float64Array> {
  if (value instanceof Uint8Array) {
    return [value];
  }
  if (
    typeof value === 'string' ||
    Array.isArray(value) ||
    'sentence' in value ||
    'edits' in value ||
    'paths' in value
  ) {
    return [];
  }
  if ('rows' in value) {
    return [value.rows];
  }
  if ('refused' in value) {
    return Object.values(value.judged?.codes ?? {});
  }
  return [value.timesMs, value.sourcePorts, value.destinationPorts, ...Object.values(value.codes)];
}
