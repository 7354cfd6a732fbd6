import {
  isLiveChannelStatusEvent,
  LiveChannelConnectionState,
  LoadingState,
  type DataQueryResponse,
  type LiveChannelEvent,
} from '@grafana/data';
import { getGrafanaLiveSrv } from '@grafana/runtime';
import { concatMap, defer, filter, map, merge, repeat, share, take, takeUntil, timer, type Observable } from 'rxjs';

import { defaultLimit, type FlowsQuery } from '../query/model';
import { liveAddress } from './address';

/** Grafana drops a refused channel 5.25 s after its last listener has left; until then it answers anew from memory. */
const againAfterMs = 6_000;

/**
 * The flows of a query's channel. A refused subscription is an answer with the text of `refusal`, because Grafana
 * passes no reason on; then the stream asks again, until a place is free.
 */
export function channelStream(
  uid: string,
  query: FlowsQuery,
  key: string,
  refusal: () => Promise<string>
): Observable<DataQueryResponse> {
  const addr = liveAddress(uid, query);
  const buffer = { maxLength: query.limit ?? defaultLimit };
  const live = getGrafanaLiveSrv();
  const once = defer(() => {
    const refused = live.getStream(addr).pipe(filter(isRefused), take(1), share());
    return merge(
      // To call `getDataStream` keeps a refused channel in memory.
      defer(() => live.getDataStream({ addr, key, buffer })).pipe(takeUntil(refused)),
      refused.pipe(
        concatMap(refusal),
        map((message): DataQueryResponse => ({ data: [], state: LoadingState.Error, error: { message } }))
      )
    );
  });
  // Panels of one channel ask at different times, so that no panel keeps it in memory for another one for ever.
  return once.pipe(repeat({ delay: () => timer(againAfterMs * (1 + Math.random())) }));
}

/** Whether Grafana has given a subscription up: a lost connection alone is another state. */
function isRefused(event: LiveChannelEvent): boolean {
  return isLiveChannelStatusEvent(event) && event.state === LiveChannelConnectionState.Disconnected;
}
