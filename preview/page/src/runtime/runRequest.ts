import {
  DataTopic,
  LoadingState,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
  type PanelData,
} from '@grafana/data';
import { toDataQueryError } from '@grafana/runtime';
import { catchError, from, map, merge, of, share, takeUntil, timer, type Observable } from 'rxjs';

/** Time after which the panel shows that it is loading, in milliseconds. */
const loadingAfterMs = 200;

/** All packets so far as one `PanelData`. A packet replaces the one with the same key. */
function collect(
  request: DataQueryRequest,
  packets: Map<string, DataQueryResponse>,
  latest: DataQueryResponse
): PanelData {
  const all = [...packets.values()];
  const frames = all.flatMap((packet) => packet.data ?? []);
  const failed = all.find((packet) => packet.error || packet.errors?.length);
  return {
    state: failed ? LoadingState.Error : (latest.state ?? LoadingState.Done),
    series: frames.filter((frame) => frame.meta?.dataTopic !== DataTopic.Annotations),
    annotations: frames.filter((frame) => frame.meta?.dataTopic === DataTopic.Annotations),
    error: failed?.error ?? failed?.errors?.[0],
    errors: failed?.errors,
    request,
    timeRange: request.range,
  };
}

/** Runs a request on a data source. Unsubscribing aborts its HTTP requests. */
export function runRequest(
  datasource: DataSourceApi,
  request: DataQueryRequest,
  queryFunction?: DataSourceApi['query']
): Observable<PanelData> {
  const empty: PanelData = { state: LoadingState.Done, series: [], request, timeRange: request.range };
  request.targets = request.targets.filter((target) => !target.hide && (datasource.filterQuery?.(target) ?? true));
  if (request.targets.length === 0) {
    return of(empty);
  }
  const packets = new Map<string, DataQueryResponse>();
  const answers = from(queryFunction ? queryFunction(request) : datasource.query(request)).pipe(
    map((packet) => {
      request.endTime = Date.now();
      packets.set(packet.key ?? packet.data?.[0]?.refId ?? 'A', packet);
      return collect(request, packets, packet);
    }),
    catchError((error: unknown) =>
      of({ ...empty, state: LoadingState.Error, error: toDataQueryError(error as Error) })
    ),
    share()
  );
  const loading = timer(loadingAfterMs).pipe(
    map(() => ({ ...empty, state: LoadingState.Loading })),
    takeUntil(answers)
  );
  return merge(loading, answers);
}
