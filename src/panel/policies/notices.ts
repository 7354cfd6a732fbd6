import type { QueryResultMetaNotice } from '@grafana/data';

import type { PoliciesState } from '../flowsState';
import { text } from '../text';
import type { PoliciesFreshness } from './policyFrames';

/** Maximum number of refused documents that are listed. */
const namedLimit = 5;

/** Notices about policies that could not be read or used. The drawer of a flow says where none are configured. */
export function noticesOfPolicies(
  { notices, refused, problem }: PoliciesState,
  unplaced: string | undefined,
  freshness?: PoliciesFreshness
): QueryResultMetaNotice[] {
  const bad = refused.filter((document) => document.isPolicy);
  const more = bad.length - namedLimit;
  return [
    ...(problem === undefined ? [] : [warning(problem)]),
    ...(unplaced === undefined ? [] : [warning(unplaced)]),
    ...(freshness?.problems ?? []).map(warning),
    ...notices.filter((notice) => notice.severity !== 'info'),
    ...bad
      .slice(0, namedLimit)
      .map(({ file, line, refusal, reason }) => warning(text.policies.refused(file, line, refusal, reason))),
    ...(more > 0 ? [warning(text.policies.moreRefused(more))] : []),
  ];
}

function warning(text: string): QueryResultMetaNotice {
  return { severity: 'warning', text };
}
