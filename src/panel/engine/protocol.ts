import type { ColumnId, JudgedColumnId, TextColumnId } from '../table/columns';

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

/** A place in a file of policies, with what stands in its line. */
export interface Place {
  file: string;
  /** From 1. */
  line: number;
  column: number;
  quote: string;
}

export interface RefusedDocument extends Place {
  name: string;
  document: number;
  reason: string;
  /** Who refuses it, and what becomes of it. */
  refusal: string;
  /** False: another kind of object, which is no error among manifests. */
  isPolicy: boolean;
}

export interface Rule extends Place {
  policy: string;
  clause: string;
  text: string;
}

/** What a verdict rests on. */
export interface Reasons {
  deciding: Rule[];
  nearMisses: Rule[];
  lost: Rule[];
  /** Rules that are not listed. */
  more: number;
  missing: string[];
  notes: string[];
}

export type Computed = 'allowed' | 'denied' | 'cannot tell';

/** Why a flow is judged as it is; all sentences are the engine's. */
export interface Explanation extends Reasons {
  sentence: string;
  /** None where policy has nothing to say about the flow. */
  agreement: string | null;
  comparison: string;
  verdict: Computed | null;
  attribution: { hubble: string[]; ours: string[]; agrees: boolean | null; sentence: string } | null;
}

/** May one reach the other? Ends as `verdict ask` reads them. */
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

/** Whether a connection is allowed, step by step. */
export interface Reachability {
  /** Cannot tell, too, where it depends on the pod. */
  verdict: Computed;
  /** One for each kind of sender and receiver that the names mean. */
  paths: ConnectionPath[];
  /** What was taken for granted, or is not known. */
  notes: string[];
  /** None where it was not asked for. Its rows are steps, counted from 0 over all paths. */
  fix: Fix | null;
}

export interface ConnectionPath {
  source: string;
  destination: string;
  /** Port and protocol of the pods, behind a Service: `3002/TCP`. */
  traffic: string;
  verdict: Computed;
  /** None where both ends are outside the cluster. */
  steps: ConnectionStep[];
  /** What stays shut where only the first step is opened. */
  alone: string | null;
}

export interface ConnectionStep extends Reasons {
  kind: 'DNS' | "DNS server's ingress" | 'egress' | 'ingress';
  /** The name that is looked up, or the request; may be empty. */
  about: string;
  verdict: Computed;
  sentence: string;
}

export interface Finding extends Partial<Place> {
  id: string;
  severity: 'error' | 'warning' | 'hint';
  sentence: string;
  /** Empty where it is about no policy in particular. */
  policy: string;
  /** Lines about flows that show it. */
  evidence: string[];
  /** What to write instead, where that is mechanical. */
  fix: string | null;
}

/** The smallest additions that let flows pass. */
export interface Fix {
  edits: Array<{ file: string; policy: string; list: string; inserted: string }>;
  /** The files that the edits change, as they are afterwards. */
  texts: Array<{ file: string; text: string }>;
  /** Policies to add; may be empty. */
  yaml: string;
  /** Rows that pass with it. */
  fixed: number[];
  unfixed: Array<{ row: number; reason: string }>;
  /** Other flows that would pass too. */
  alsoAllowed: string[];
  /** What the flows that pass now meet next, and is still denied. */
  stillDenied: string[];
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

/** Decodes, filters and sorts; in a worker where there is one. */
export interface FlowsEngine {
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
  /** Starts the policy engine; once, before it is asked. */
  | { kind: 'startPolicies'; wasm: ArrayBuffer | WebAssembly.Module }
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
export type Start = { kind: 'start'; wasm: ArrayBuffer };

export type Response =
  | { kind: 'ready' }
  | { kind: 'unfit'; message: string }
  | { kind: 'answer'; id: number; value: Value }
  | { kind: 'failure'; id: number; message: string };

/** What a caught value says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
