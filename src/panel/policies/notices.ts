import type { QueryResultMetaNotice } from '@grafana/data';

import type { PoliciesState } from '../FlowsModel';
import { text } from '../text';

/** Refused documents that are named one by one. */
const namedLimit = 5;

/** What of the policies could not be had or used. That none are configured is told where a flow is looked at. */
export function noticesOfPolicies(
  { notices, refused, problem }: PoliciesState,
  unplaced: string | undefined
): QueryResultMetaNotice[] {
  const bad = refused.filter((document) => document.isPolicy);
  const more = bad.length - namedLimit;
  return [
    ...(problem === undefined ? [] : [warning(problem)]),
    ...(unplaced === undefined ? [] : [warning(unplaced)]),
    ...notices.filter((notice) => notice.severity !== 'info'),
    ...bad
      .slice(0, namedLimit)
      .map(({ file, line, refusal, reason }) => warning(text.policies.refused(file, line, refusal, reason))),
    ...(more > 0 ? [warning(text.policies.moreRefused(more))] : []),
  ];
}

function warning(sentence: string): QueryResultMetaNotice {
  return { severity: 'warning', text: sentence };
}
