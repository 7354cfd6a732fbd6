import type { PackedRow } from '../frames';
import type { Explanation, Finding, Fix, judgedColumns, Reachability, RefusedDocument, textColumns } from './generated';

export type {
  Computed,
  ConnectionPath,
  ConnectionStep,
  Explanation,
  Finding,
  Fix,
  PolicyLocation,
  Reachability,
  Reasons,
  RefusedDocument,
  Rule,
} from './generated';

/** A column that the policies fill. */
export type JudgedColumnId = (typeof judgedColumns)[number];

/** A column of texts. */
export type TextColumnId = (typeof textColumns)[number] | JudgedColumnId;

/** A column of the table of flows. */
export type ColumnId = 'time' | 'sourcePort' | 'destinationPort' | TextColumnId;

/** Decoded flows as the table reads them: arrays by row, texts by code. */
export interface FlowBatch {
  flows: number;
  /** Notices on flows that were sent and could not be read. */
  problems: string[];
  /** The verdicts that occur. */
  verdicts: string[];
  /** The texts of all codes; 0 is the empty text. */
  strings: string[];
  /** Unix time in milliseconds; NaN for a flow without time. */
  timesMs: Float64Array;
  sourcePorts: Uint16Array;
  destinationPorts: Uint16Array;
  codes: Record<TextColumnId, Uint32Array>;
  /** The comparisons of record and policies that occur; empty without policies. */
  agreements: string[];
  /**
   * A note on policies without a namespace, with namespaces that would fit; undefined if there are no such policies.
   */
  unplaced?: string;
}

/** All flows after more were added: `strings` has only the texts from the code `firstNew` on. */
export interface GrownBatch extends FlowBatch {
  firstNew: number;
}

/** The flows with those that were added. */
export function grow(batch: FlowBatch | undefined, { firstNew, ...grown }: GrownBatch): FlowBatch {
  return { ...grown, strings: (batch?.strings ?? []).slice(0, firstNew).concat(grown.strings) };
}

/** A policy file as read. */
export interface PolicyFile {
  name: string;
  text: string;
  /** Time of the last change, Unix milliseconds; NaN if it is not known. */
  modifiedMs: number;
  /** Time of the last addition or removal of a file in the folder, Unix milliseconds; NaN if it is not known. */
  folderMs: number;
}

/** Results of compiling the files, with the judgements of the loaded flows. */
export interface CompiledPolicies {
  policies: number;
  refused: RefusedDocument[];
  judged?: JudgedColumns;
}

/** Columns of the loaded flows, with their new texts. */
export interface JudgedColumns {
  /** The texts from the code `firstNew` on. */
  newStrings: string[];
  firstNew: number;
  codes: Record<JudgedColumnId, Uint32Array>;
  agreements: string[];
  unplaced?: string;
}

/** A connection to ask about, with ends as `hubble-verdict ask` reads them. */
export interface Connection {
  /** The source: a pod, workload or Service as `namespace/name`, an address, `world`. */
  from: string;
  /**
   * The destination: as the source, or a DNS name, with a port: `product-service:3002`, `kube-system/kube-dns:53/UDP`.
   */
  to: string;
  /** Labels of the ends, as `app=order-service`; they take precedence over those of flows and documents. */
  fromLabels?: string[];
  toLabels?: string[];
  /** A request to check against HTTP rules. */
  request?: { method: string; path: string };
}

/** The text of a row in a text column. */
export function textOf(batch: FlowBatch, column: TextColumnId, row: number): string {
  return batch.strings[batch.codes[column][row] ?? 0] ?? '';
}

export interface ViewSpec {
  /** Words that must all occur in a row. */
  text: string;
  /** The columns to search. */
  columns: ColumnId[];
  /** Verdicts to show; empty for all. */
  verdicts: string[];
  /** Agreements of record and policies to show; empty for all. */
  agreements: string[];
  /** Conditions on cells. Values of one column are alternatives. */
  conditions: CellCondition[];
  /** Whether the records of one packet are one row. */
  fold: boolean;
  /** Columns to group by, in their order; empty for no groups. */
  groupBy: ColumnId[];
  groupSort: GroupSort;
  sort: ColumnId;
  descending: boolean;
}

/** A condition on a cell: the whole text, as the table shows it. */
export interface CellCondition {
  column: ColumnId;
  /** Text of the cell; empty for a cell without one. */
  value: string;
  /** Whether rows with the value are hidden rather than shown. */
  excluded: boolean;
}

export const groupSorts = ['flows', 'dropRatio', 'lastSeen', 'firstSeen', 'keys'] as const;

/** Order of groups: by number of flows, share of dropped flows, time, or the keys' values. */
export type GroupSort = (typeof groupSorts)[number];

/** Values of a flow by the names of Hubble's flags (`fromPod`, `toPort`, …); empty ones are absent. */
export type FlowValues = Partial<Record<string, string>>;

/** Format of rows: CSV, text with tabs, or the lines of `hubble observe -o jsonpb`. */
export type FileFormat = 'csv' | 'tabs' | 'jsonLines';

/** Contents of a file: rows and columns in this order. */
export interface FileSpec {
  format: FileFormat;
  rows: Uint32Array;
  columns: ColumnId[];
  /** Titles of the columns, if the format has a line for them; empty for no such line. */
  titles: string[];
}

export interface FlowsView {
  /** Row numbers in the order of the table; of a packet, the record that stands for it comes first. */
  rows: Uint32Array;
  /** Place in `rows` after the last record of each packet; empty if every record stands alone. */
  packetEnds: Uint32Array;
  /** Number of packets of all flows, hidden ones included; of records if packets are not folded. */
  all: number;
  /** Groups of packets, if there are keys. */
  groups?: FlowGroups;
  /** Number of flows with the words, by verdict, hidden verdicts included. */
  verdictCounts: Array<{ verdict: string; flows: number }>;
  /** Number of flows with the words, by agreement of record and policies, hidden agreements included. */
  agreementCounts: Array<{ agreement: string; flows: number }>;
}

/** Groups in the order of the table; their packets lie next to each other. */
export interface FlowGroups {
  /** Number of the packet after the last one of each group. */
  ends: Uint32Array;
  dropped: Uint32Array;
  /** Unix time in milliseconds of the oldest and of the newest packet; NaN without a time. */
  firstMs: Float64Array;
  lastMs: Float64Array;
}

/** The Wasm modules: the small decoder, and the whole engine, which replaces the decoder if there are policies. */
export type ModuleName = 'decoder' | 'engine';

/** An engine that decodes, filters, sorts and judges, in a worker if one can start. */
export interface FlowsEngine {
  /** The running module; the decoder rejects all requests about policies. */
  readonly module: ModuleName;
  /** Replaces all flows by the rows of each packed frame. */
  load(frames: PackedRow[][]): Promise<FlowBatch>;
  /** Adds the flows of further frames; the numbers of the rows before them stay. */
  append(frames: PackedRow[][]): Promise<GrownBatch>;
  view(spec: ViewSpec): Promise<FlowsView>;
  /** One flow with all its fields, as the JSON of `hubble observe -o jsonpb`. */
  record(row: number): Promise<string>;
  /** Values of a flow by the names of Hubble's flags. */
  values(row: number): Promise<FlowValues>;
  /** Rows as a file. */
  file(spec: FileSpec): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Compiles policies in place of those of before; `namespace` is that of documents that name none, empty if not
   * known. Judges all flows by them, now and after each load.
   */
  setPolicies(files: PolicyFile[], namespace: string): Promise<CompiledPolicies>;
  /** Gives the reasons for a flow's verdict. */
  explain(row: number): Promise<Explanation>;
  /** Finds parts of the policies that are valid but hardly intended, with evidence from the newest flows. */
  lint(): Promise<Finding[]>;
  /** Finds the smallest additions to the policies that let the flows of these rows pass. */
  suggest(rows: number[]): Promise<Fix>;
  /** Answers whether a connection is allowed, tried or not; `withFix` adds the additions that would open it. */
  ask(connection: Connection, withFix: boolean): Promise<Reachability>;
  /** Frees the memory. Later requests get no answer. */
  dispose(): void;
}

export type Call =
  | { kind: 'load' | 'append'; frames: PackedRow[][] }
  | { kind: 'view'; spec: ViewSpec }
  | { kind: 'record'; row: number }
  | { kind: 'values'; row: number }
  | { kind: 'file'; spec: FileSpec }
  | { kind: 'setPolicies'; files: PolicyFile[]; namespace: string }
  | { kind: 'explain'; row: number }
  | { kind: 'lint' }
  | { kind: 'suggest'; rows: number[] }
  | { kind: 'ask'; connection: Connection; withFix: boolean };

export type Value =
  | FlowBatch
  | GrownBatch
  | FlowsView
  | CompiledPolicies
  | Explanation
  | Finding[]
  | Fix
  | Reachability
  | FlowValues
  | Uint8Array<ArrayBuffer>
  | string;

export type Request = { id: number; call: Call };

/** The first message: the bytes of the module, by themselves. */
export type Start = { kind: 'start'; module: ModuleName; wasm: ArrayBuffer };

export type Response =
  | { kind: 'ready' }
  | { kind: 'notStarted'; message: string }
  | { kind: 'answer'; id: number; value: Value }
  | { kind: 'failure'; id: number; message: string };

/** The message of a caught value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
