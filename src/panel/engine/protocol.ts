import type { ColumnId, JudgedColumnId, TextColumnId } from '../table/columns';
import type { Explanation, Finding, Fix, Reachability, RefusedDocument } from './generated';

export type {
  Computed,
  ConnectionPath,
  ConnectionStep,
  Explanation,
  Finding,
  Fix,
  Place,
  Reachability,
  Reasons,
  RefusedDocument,
  Rule,
} from './generated';

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
  /** How records and policies compare, as far as it occurs; empty without policies. */
  agreements: string[];
  /** That policies name no namespace, and which would fit; there where they do. */
  unplaced?: string;
}

/** A file of policies as it was read. */
export interface PolicyFile {
  name: string;
  text: string;
  /** Unix time in milliseconds; NaN where it is not known. */
  modifiedMs: number;
  /** When a file came into its folder or left it; NaN where that is not known. */
  folderMs: number;
}

/** What became of the files, and what they make of the flows that are loaded. */
export interface CompiledPolicies {
  policies: number;
  refused: RefusedDocument[];
  judged?: JudgedColumns;
}

/** Columns of the loaded flows, and the texts that they brought. */
export interface JudgedColumns {
  /** The texts from the code `firstNew` on. */
  newStrings: string[];
  firstNew: number;
  codes: Record<JudgedColumnId, Uint32Array>;
  agreements: string[];
  unplaced?: string;
}

/** May one reach the other? Ends as `hubble-verdict ask` reads them. */
export interface Connection {
  /** A pod, workload or Service as `namespace/name`, an address, `world`. */
  from: string;
  /** The same or a DNS name, with a port: `product-service:3002`, `kube-system/kube-dns:53/UDP`. */
  to: string;
  /** Labels of the ends, as `app=order-service`; they count before those of flows and documents. */
  fromLabels?: string[];
  toLabels?: string[];
  /** A request that is to pass, where rules for HTTP decide. */
  request?: { method: string; path: string };
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
  /** Agreements of record and policies to show; none for all. */
  agreements: string[];
  sort: ColumnId;
  descending: boolean;
}

export type FileFormat = 'csv' | 'jsonLines';

/** What a file holds: rows and columns in this order. */
export interface FileSpec {
  format: FileFormat;
  rows: Uint32Array;
  columns: ColumnId[];
  /** What stands above each column, where the format has such a line. */
  titles: string[];
}

export interface FlowsView {
  /** Row numbers in the order of the table. */
  rows: Uint32Array;
  /** Flows that have the words, by verdict, whether that verdict is shown or not. */
  verdictCounts: Array<{ verdict: string; flows: number }>;
  /** The same by agreement of record and policies. */
  agreementCounts: Array<{ agreement: string; flows: number }>;
}

/** The Wasm modules: the small decoder, and the whole engine, which is loaded in its place where there are policies. */
export type ModuleName = 'decoder' | 'engine';

/** Decodes, filters, sorts and judges; in a worker where there is one. */
export interface FlowsEngine {
  /** The module that runs; the decoder refuses everything about policies. */
  readonly module: ModuleName;
  /** Takes the base64 rows of each packed frame in place of all flows of before. */
  load(frames: string[][]): Promise<FlowBatch>;
  view(spec: ViewSpec): Promise<FlowsView>;
  /** One flow with all its fields, as the JSON of `hubble observe -o jsonpb`. */
  record(row: number): Promise<string>;
  /** Rows as a file. */
  file(spec: FileSpec): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Compiles policies in place of those of before; `namespace` is that of documents that name none, empty if not
   * known. Judges all flows by them, now and after each load.
   */
  setPolicies(files: PolicyFile[], namespace: string): Promise<CompiledPolicies>;
  /** Why a flow is judged as it is. */
  explain(row: number): Promise<Explanation>;
  /** What is allowed in the policies and still not what their author meant, with evidence from the newest flows. */
  lint(): Promise<Finding[]>;
  /** The smallest additions to the policies that let the flows of these rows pass. */
  suggest(rows: number[]): Promise<Fix>;
  /** Whether a connection that may not have been tried is allowed; `withFix` adds what would open it. */
  ask(connection: Connection, withFix: boolean): Promise<Reachability>;
  /** Gives the memory back. Nothing is answered any more. */
  dispose(): void;
}

export type Call =
  | { kind: 'load'; frames: string[][] }
  | { kind: 'view'; spec: ViewSpec }
  | { kind: 'record'; row: number }
  | { kind: 'file'; spec: FileSpec }
  | { kind: 'setPolicies'; files: PolicyFile[]; namespace: string }
  | { kind: 'explain'; row: number }
  | { kind: 'lint' }
  | { kind: 'suggest'; rows: number[] }
  | { kind: 'ask'; connection: Connection; withFix: boolean };

export type Value =
  | FlowBatch
  | FlowsView
  | CompiledPolicies
  | Explanation
  | Finding[]
  | Fix
  | Reachability
  | Uint8Array<ArrayBuffer>
  | string;

export type Request = { id: number; call: Call };

/** The bytes of the module come first, by themselves. */
export type Start = { kind: 'start'; module: ModuleName; wasm: ArrayBuffer };

export type Response =
  | { kind: 'ready' }
  | { kind: 'unfit'; message: string }
  | { kind: 'answer'; id: number; value: Value }
  | { kind: 'failure'; id: number; message: string };

/** What a caught value says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
