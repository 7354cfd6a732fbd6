import type { ColumnId, TextColumnId } from '../table/columns';

/** Decoded flows as the table reads them: arrays by row, texts by code. */
export interface FlowBatch {
  flows: number;
  /** Sentences on flows that were sent and could not be read. */
  problems: string[];
  /** The verdicts that occur. */
  verdicts: string[];
  /** The texts behind all codes; 0 is the empty one. */
  strings: string[];
  /** Unix time in milliseconds; NaN for a flow without time. */
  timesMs: Float64Array;
  sourcePorts: Uint16Array;
  destinationPorts: Uint16Array;
  codes: Record<TextColumnId, Uint32Array>;
}

/** What stands in a text column of a row. */
export function textOf(batch: FlowBatch, column: TextColumnId, row: number): string {
  return batch.strings[batch.codes[column][row] ?? 0] ?? '';
}

export interface ViewSpec {
  /** Words that must all occur in a row. */
  text: string;
  /** The columns that are looked through. */
  columns: ColumnId[];
  /** Verdicts to show; none for all. */
  verdicts: string[];
  sort: ColumnId;
  descending: boolean;
}

export interface FlowsView {
  /** Row numbers in the order of the table. */
  rows: Uint32Array;
  /** Flows that have the words, by verdict, whether that verdict is shown or not. */
  verdictCounts: Array<{ verdict: string; flows: number }>;
}

/** Decodes, filters and sorts; in a worker where there is one. */
export interface FlowsEngine {
  /** Takes the base64 rows of each packed frame in place of all flows of before. */
  load(frames: string[][]): Promise<FlowBatch>;
  view(spec: ViewSpec): Promise<FlowsView>;
  /** One flow with all its fields, as the JSON of `hubble observe -o jsonpb`. */
  record(row: number): Promise<string>;
  /** Gives the memory back. Nothing is answered any more. */
  dispose(): void;
}

export type Call =
  { kind: 'load'; frames: string[][] } | { kind: 'view'; spec: ViewSpec } | { kind: 'record'; row: number };

export type Request = { id: number; call: Call };

/** The bytes of the module come first, by themselves. */
export type Start = { kind: 'start'; wasm: ArrayBuffer };

export type Response =
  | { kind: 'ready' }
  | { kind: 'unfit'; message: string }
  | { kind: 'answer'; id: number; value: FlowBatch | FlowsView | string }
  | { kind: 'failure'; id: number; message: string };

/** What a caught value says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
