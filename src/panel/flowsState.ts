import type { QueryResultMetaNotice } from '@grafana/data';

import type {
  Explanation,
  Finding,
  Fix,
  FlowBatch,
  FlowsView,
  PolicyFile,
  RefusedDocument,
  TextColumnId,
  ViewSpec,
} from './engine/protocol';
import type { PackedAnswer } from './frames';

export interface FlowsState {
  /** Phase of the engine; idle until an answer holds flows, so that a panel without flows starts nothing. */
  phase: 'idle' | 'starting' | 'decoding' | 'ready' | 'failed';
  answer: PackedAnswer;
  batch?: FlowBatch;
  /** Number of frames of the answer in `batch`. */
  decoded: number;
  view?: FlowsView;
  /** Changes when the view has other flows or another order, and not when flows are added to it. */
  viewOf: number;
  spec: ViewSpec;
  /** Reason why the flows could not be decoded. */
  error?: string;
  /** Reason for decoding on the page's own thread, if it is used. */
  onMainThread?: string;
  /** Reason why another worker took the flows of this answer. */
  replaced?: string;
  detail?: FlowDetail;
  policies: PoliciesState;
  /** State of the policy check; set while a user looks at the policies. */
  check?: PoliciesCheck;
}

/** Findings of the lints. */
export interface PoliciesCheck {
  /** The findings; undefined until they arrive. */
  findings?: Finding[];
  error?: string;
}

export interface PoliciesState {
  files: PolicyFile[];
  /** Namespace of policies without one; empty if it is not known. */
  namespace: string;
  /** Notices on policies that could not be loaded. */
  notices: QueryResultMetaNotice[];
  /** Number of compiled policies; 0 until they are compiled. */
  compiled: number;
  refused: RefusedDocument[];
  /** Reason why the latest policies are not in use. */
  problem?: string;
}

export const noPolicies: PoliciesState = { files: [], namespace: '', notices: [], compiled: 0, refused: [] };

export interface FlowDetail {
  row: number;
  /** The row's cells, available at once. */
  cells: Pick<Record<TextColumnId, string>, 'verdict' | 'source' | 'destination' | 'summary' | 'dropReason'>;
  /** The flow as JSON, once it is read. */
  json?: string;
  error?: string;
  /** Reasons for the policies' verdict, once they are known; undefined without policies. */
  explanation?: Explanation;
  explanationError?: string;
  /** The smallest additions that let the flow pass, once a user requested them. */
  fix?: Fix | 'asked';
  fixError?: string;
}
