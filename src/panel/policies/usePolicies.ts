import { LoadingState, type PanelData } from '@grafana/data';
import { useEffect, useRef } from 'react';

import { messageOf } from '../engine/protocol';
import type { FlowsModel } from '../FlowsModel';
import { text } from '../text';
import { sharedPolicies, sourcesOf } from './fetchPolicies';
import { readPolicies, type PoliciesAnswer } from './policyFrames';

/**
 * Keeps the model's policies up to date: those that came with the answer (a snapshot has only these), else
 * those of the data source that answered, requested when the revision in its flows changes.
 */
export function usePolicies(
  model: FlowsModel | undefined,
  { series, state, request }: PanelData,
  ownNamespace: string | undefined
): void {
  const own = ownNamespace?.trim() ?? '';
  const isUnderWay = state === LoadingState.Loading;
  /** The data sources and the revision of the policies in the model. */
  const known = useRef<string>(undefined);
  /** The same of the request under way; an answer that comes in slices does not send it anew. */
  const pending = useRef<string>(undefined);
  /** Number of requests; answers to any but the latest are dropped. */
  const requests = useRef(0);
  useEffect(
    () => () => {
      requests.current++;
      pending.current = undefined;
    },
    [model]
  );
  useEffect(() => {
    if (!model || isUnderWay) {
      return;
    }
    const given = readPolicies(series);
    if (given) {
      requests.current++;
      known.current = pending.current = undefined;
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
    if (asked !== undefined && (asked === known.current || asked === pending.current)) {
      return;
    }
    const turn = ++requests.current;
    pending.current = asked;
    const settle = (apply: () => void) => {
      if (turn === requests.current) {
        pending.current = undefined;
        apply();
      }
    };
    sharedPolicies(uids, revision).then(
      (answer) =>
        settle(() => {
          known.current = asked;
          model.setPolicies(placed(answer, own));
        }),
      (error: unknown) =>
        // The former policies stay: one slow response does not remove verdicts.
        settle(() => model.noPolicies(text.policies.unreachable(messageOf(error))))
    );
  }, [model, series, request, isUnderWay, own]);
}

/** The panel's namespace overrides the data source's. */
function placed(answer: PoliciesAnswer, own: string): PoliciesAnswer {
  return own === '' ? answer : { ...answer, namespace: own };
}
