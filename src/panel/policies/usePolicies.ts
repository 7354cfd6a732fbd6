import { LoadingState, type PanelData } from '@grafana/data';
import { useEffect } from 'react';

import { messageOf } from '../engine/protocol';
import type { FlowsModel } from '../FlowsModel';
import { text } from '../text';
import { fetchPolicies, sourcesOf } from './fetchPolicies';
import { readPolicies, type PoliciesAnswer } from './policyFrames';

/**
 * Keeps the model's policies up to date: those that came with the answer (a snapshot has no others), else
 * those of the data source that answered, asked for again with every answer.
 */
export function usePolicies(
  model: FlowsModel | undefined,
  { series, state, request }: PanelData,
  ownNamespace: string | undefined
): void {
  const own = ownNamespace?.trim() ?? '';
  const isUnderWay = state === LoadingState.Loading;
  useEffect(() => {
    if (!model || isUnderWay) {
      return;
    }
    const given = readPolicies(series);
    if (given) {
      model.setPolicies(placed(given, own));
      return;
    }
    const uids = model.getState().answer.frames.length > 0 ? sourcesOf(request, series) : [];
    if (uids.length === 0) {
      return;
    }
    let isCurrent = true;
    fetchPolicies(uids).then(
      (answer) => isCurrent && model.setPolicies(placed(answer, own)),
      (error: unknown) =>
        // What was judged before stays: a server that is slow once takes nothing away.
        isCurrent && model.noPolicies(text.policies.unreachable(messageOf(error)))
    );
    return () => {
      isCurrent = false;
    };
  }, [model, series, request, isUnderWay, own]);
}

/** The panel's own namespace comes before the data source's. */
function placed(answer: PoliciesAnswer, own: string): PoliciesAnswer {
  return own === '' ? answer : { ...answer, namespace: own };
}
