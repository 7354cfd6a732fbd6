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

export interface PolicyLocation {
  file: string;
  /** Line number, from 1; 0 without a line. */
  line: number;
  column: number;
  /** Text of that line. */
  quote: string;
}

export interface RefusedDocument {
  name: string;
  /** Number of the document in its file, from 1. */
  document: number;
  reason: string;
  /** The refusing component, and the effect of the refusal. */
  refusal: string;
  /** Whether it is a policy. False: another kind of object, which is not an error among manifests. */
  isPolicy: boolean;
  file: string;
  /** Line number, from 1; 0 without a line. */
  line: number;
  column: number;
  /** Text of that line. */
  quote: string;
}

export interface Rule {
  policy: string;
  /** The rule's clause: `ingress[0]`; empty for the whole policy. */
  clause: string;
  /** A note on the rule; may be empty. */
  text: string;
  file: string;
  /** Line number, from 1; 0 without a line. */
  line: number;
  column: number;
  /** Text of that line. */
  quote: string;
}

export interface Reasons {
  /** Rules that decided, or the policies that turned the default to deny. */
  deciding: Rule[];
  nearMisses: Rule[];
  /** Rules that match too, with the reason why they did not count. */
  lost: Rule[];
  /** Number of rules that are not listed above. */
  more: number;
  /** Facts that the flow lacks. */
  missing: string[];
  /** Further notes. */
  notes: string[];
}

export interface Attribution {
  hubble: string[];
  ours: string[];
  /** Whether the two agree; null if that cannot be known. */
  agrees: boolean | null;
  sentence: string;
}

export interface Explanation {
  /** The proof in the record and the policies' verdict. */
  sentence: string;
  /** Agreement: `agrees`, `differs`, `cannot tell`; null if policy has no verdict on the flow. */
  agreement: string | null;
  /** Comparison of record and policies, in words. */
  comparison: string;
  /** The policies' verdict: `allowed`, `denied`, `cannot tell`. */
  verdict: Computed | null;
  /** Hubble's policies beside those that decide here. */
  attribution: Attribution | null;
  /** Rules that decided, or the policies that turned the default to deny. */
  deciding: Rule[];
  nearMisses: Rule[];
  /** Rules that match too, with the reason why they did not count. */
  lost: Rule[];
  /** Number of rules that are not listed above. */
  more: number;
  /** Facts that the flow lacks. */
  missing: string[];
  /** Further notes. */
  notes: string[];
}

export interface ConnectionStep {
  /** Kind of the step: `DNS`, `DNS server's ingress`, `egress`, `ingress`. */
  kind: StepKind;
  /** The name to look up, or the request; may be empty. */
  about: string;
  verdict: Computed;
  sentence: string;
  /** Rules that decided, or the policies that turned the default to deny. */
  deciding: Rule[];
  nearMisses: Rule[];
  /** Rules that match too, with the reason why they did not count. */
  lost: Rule[];
  /** Number of rules that are not listed above. */
  more: number;
  /** Facts that the flow lacks. */
  missing: string[];
  /** Further notes. */
  notes: string[];
}

export interface ConnectionPath {
  source: string;
  destination: string;
  /** Port and protocol; behind a Service, those of its pods. */
  traffic: string;
  verdict: Computed;
  steps: ConnectionStep[];
  /** Steps that stay closed if only the first one is opened. */
  alone: string | null;
}

export interface Reachability {
  /** Verdict: `allowed`, `denied`, `cannot tell`; the last also where it depends on the pod. */
  verdict: Computed;
  /** Paths, one for each kind of source and destination that the names mean. */
  paths: ConnectionPath[];
  /** Assumptions, and facts that are not known. */
  notes: string[];
  /** The fix, if requested. Its rows are steps, counted from 0 over all paths. */
  fix: Fix | null;
}

export type Finding = {
  id: string;
  severity: Severity;
  sentence: string;
  policy: string;
  evidence: string[];
  fix: string | null;
} & Partial<PolicyLocation>;

export interface Edited {
  file: string;
  policy: string;
  /** The extended list. */
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
  /** The changed files, with all edits. */
  texts: FileText[];
  /** New policies. Empty if nothing helps or nothing is needed. */
  yaml: string;
  /** Rows that pass with the additions. */
  fixed: number[];
  unfixed: Unfixed[];
  /** Other flows that would pass too. */
  alsoAllowed: string[];
  /** Denials that the passing rows meet next. */
  stillDenied: string[];
}
