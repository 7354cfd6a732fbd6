// Made from the crate `frontend-wasm` by `cargo xtask gen`; change it there.

/** Columns of texts that follow from the flows. */
export const textColumns = [
  'verdict',
  'direction',
  'source',
  'destination',
  'sourceIp',
  'destinationIp',
  'protocol',
  'summary',
  'dropReason',
  'policy',
  'type',
  'reply',
  'node',
] as const;

/** Columns of texts that say what the policies make of a flow; empty without policies. */
export const judgedColumns = ['agreement', 'computed', 'decidedBy'] as const;

export type Computed = 'allowed' | 'denied' | 'cannot tell';

export type Severity = 'error' | 'warning' | 'hint';

export type StepKind = 'DNS' | "DNS server's ingress" | 'egress' | 'ingress';

export interface Place {
  file: string;
  /** From 1; 0 where there is no place. */
  line: number;
  column: number;
  /** What stands in that line. */
  quote: string;
}

export interface RefusedDocument {
  name: string;
  /** Number of the document in its file, from 1. */
  document: number;
  reason: string;
  /** Who refuses it, and what becomes of it. */
  refusal: string;
  /** False: another kind of object, which is no error among manifests. */
  isPolicy: boolean;
  file: string;
  /** From 1; 0 where there is no place. */
  line: number;
  column: number;
  /** What stands in that line. */
  quote: string;
}

export interface Rule {
  policy: string;
  /** `ingress[0]`; empty where the whole policy is meant. */
  clause: string;
  /** What to know of it; may be empty. */
  text: string;
  file: string;
  /** From 1; 0 where there is no place. */
  line: number;
  column: number;
  /** What stands in that line. */
  quote: string;
}

export interface Reasons {
  /** Rules that decided, or the policies that turned the default to deny. */
  deciding: Rule[];
  nearMisses: Rule[];
  /** Rules that match too, and why they did not count. */
  lost: Rule[];
  /** Rules that are not listed above. */
  more: number;
  /** Facts that the flow does not carry. */
  missing: string[];
  /** What else should be known. */
  notes: string[];
}

export interface Attribution {
  hubble: string[];
  ours: string[];
  /** How the two compare; none where that cannot be told. */
  agrees: boolean | null;
  sentence: string;
}

export interface Explanation {
  /** What the record proves and what the policies say. */
  sentence: string;
  /** `agrees`, `differs`, `cannot tell`; none where policy has nothing to say about the flow. */
  agreement: string | null;
  /** How the two compare. */
  comparison: string;
  /** `allowed`, `denied`, `cannot tell`. */
  verdict: Computed | null;
  /** What Hubble names beside what decides here. */
  attribution: Attribution | null;
  /** Rules that decided, or the policies that turned the default to deny. */
  deciding: Rule[];
  nearMisses: Rule[];
  /** Rules that match too, and why they did not count. */
  lost: Rule[];
  /** Rules that are not listed above. */
  more: number;
  /** Facts that the flow does not carry. */
  missing: string[];
  /** What else should be known. */
  notes: string[];
}

export interface ConnectionStep {
  /** `DNS`, `DNS server's ingress`, `egress`, `ingress`. */
  kind: StepKind;
  /** The name that is looked up, or the request; may be empty. */
  about: string;
  verdict: Computed;
  sentence: string;
  /** Rules that decided, or the policies that turned the default to deny. */
  deciding: Rule[];
  nearMisses: Rule[];
  /** Rules that match too, and why they did not count. */
  lost: Rule[];
  /** Rules that are not listed above. */
  more: number;
  /** Facts that the flow does not carry. */
  missing: string[];
  /** What else should be known. */
  notes: string[];
}

export interface ConnectionPath {
  source: string;
  destination: string;
  /** Port and protocol of the pods, behind a Service. */
  traffic: string;
  verdict: Computed;
  steps: ConnectionStep[];
  /** What stays shut where only the first step is opened. */
  alone: string | null;
}

export interface Reachability {
  /** `allowed`, `denied`, `cannot tell`; the last, too, where it depends on the pod. */
  verdict: Computed;
  /** One for each kind of sender and receiver that the names mean. */
  paths: ConnectionPath[];
  /** What was taken for granted, or is not known. */
  notes: string[];
  /** None where it was not asked for. Its rows are steps, counted from 0 over all paths. */
  fix: Fix | null;
}

export type Finding = {
  id: string;
  severity: Severity;
  sentence: string;
  policy: string;
  evidence: string[];
  fix: string | null;
} & Partial<Place>;

export interface Edited {
  file: string;
  policy: string;
  /** The list that grows. */
  list: string;
  inserted: string;
}

export interface FileText {
  file: string;
  text: string;
}

export interface Unfixed {
  row: number;
  reason: string;
}

export interface Fix {
  edits: Edited[];
  /** The files that the edits change, as they are afterwards. */
  texts: FileText[];
  /** Policies to add. Empty where nothing helps or nothing is needed. */
  yaml: string;
  /** Rows that pass with it. */
  fixed: number[];
  unfixed: Unfixed[];
  /** Flows that were not asked for and would pass too. */
  alsoAllowed: string[];
  /** What the rows that pass now meet next, and is still denied. */
  stillDenied: string[];
}
