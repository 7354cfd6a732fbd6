import { LoadingState, type PanelData } from '@grafana/data';
import { useEffect, useRef } from 'react';

import { messageOf } from '../engine/protocol';
import type { FlowsModel } from '../FlowsModel';
import { text } from '../text';
import { fetchPolicies, sourcesOf } from './fetchPolicies';
import { readPolicies, type PoliciesAnswer } from './policyFrames';

/**
 * Keeps the model's policies up to date: those that came with the answer (a snapshot has no others), else
 * those of the data source that answered, asked for where the revision in its flows is another one.
 */
export function usePolicies(
  model: FlowsModel | undefined,
  { series, state, request }: PanelData,
  ownNamespace: string | undefined
): void {
  const own = ownNamespace?.trim() ?? '';
  const isUnderWay = state === LoadingState.Loading;
  /** The sources and the revision of the policies that the model has from them. */
  const known = useRef<string>(undefined);
  useEffect(() => {
    if (!model || isUnderWay) {
      return;
    }
    const given = readPolicies(series);
    if (given) {
      known.current = undefined;
      model.setPolicies(placed(given, own));
      return;
    }
    const { frames, policiesRevision: revision } = model.getState().answer;
    const uids = frames.length > 0 ? sourcesOf(request, series) : [];
    if (uids.length === 0) {
      return;
    }
    // Without a revision, nothing says whether they changed; without files, a notice says why.
    const asked = revision ? JSON.stringify([revision, own, ...uids]) : undefined;
    if (asked !== undefined && asked === known.current) {
      return;
    }
    let isCurrent = true;
    fetchPolicies(uids).then(
      (answer) => {
        if (isCurrent) {
          known.current = asked;
          model.setPolicies(placed(answer, own));
        }
      },
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
