import { CoreApp, LoadingState, type DataQueryRequest, type DataQueryResponse, type TimeRange } from '@grafana/data';
import { getBackendSrv, isExpressionReference } from '@grafana/runtime';
import { merge, Observable, of, switchMap, type Subscriber } from 'rxjs';

import { datasourceId, panelId } from '../../pluginIds';
import { isAnnotationRequest } from '../promqlEvents';
import { isFlows, type FlowsQuery, type HubbleQuery } from '../query/model';
import { text } from '../text';
import { SlicedAnswer, type AnswerOf } from './slicedAnswer';

/**
 * Statuses by which Grafana, or a proxy before it, refuses the resource, or the backend does not have it. The query is
 * then sent as any other.
 */
const refusals = new Set([401, 403, 404, 405, 501]);

/**
 * The queries whose answers are shown while they come: packed flows for the flows panel, which knows what an unfinished
 * answer is. Other panels, expressions and annotations get whole answers.
 */
export function slicedQueries(request: DataQueryRequest<HubbleQuery>): FlowsQuery[] {
  const { app, panelPluginId, targets } = request;
  const isShownByPanel = app === CoreApp.Explore || panelPluginId === panelId;
  const calculates = targets.some(({ datasource }) => isExpressionReference(datasource));
  if (!isShownByPanel || calculates || isAnnotationRequest(request)) {
    return [];
  }
  const packed = targets.filter(isFlows).filter(({ format, hide }) => format === 'packed' && !hide);
  return packed.length > 0 && canStream() ? packed : [];
}

/** Whether this Grafana hands out an answer while it comes. */
function canStream(): boolean {
  return typeof getBackendSrv().chunked === 'function';
}

/**
 * The flows of a query, slice by slice, each response with all flows so far. `whole` is the way to the answer where the
 * resource is refused.
 */
export function slicedFlows(
  query: FlowsQuery,
  range: TimeRange,
  of: AnswerOf,
  whole: () => Observable<DataQueryResponse>
): Observable<DataQueryResponse> {
  const read = new Observable<DataQueryResponse | 'refused'>((subscriber) => {
    const answer = new SlicedAnswer(of);
    const refused = new RefusedAnswer();
    const { uid } = of;
    return getBackendSrv()
      .chunked({
        url: `api/datasources/uid/${uid}/resources/flows`,
        method: 'POST',
        headers: { 'X-Plugin-Id': datasourceId, 'X-Datasource-Uid': uid },
        data: { query, from: range.from.valueOf(), to: range.to.valueOf() },
        showErrorAlert: false,
      })
      .subscribe({
        next: ({ ok, status, data }) => {
          if (!ok) {
            refused.push(status, data);
          } else if (data) {
            guarded(subscriber, answer, () => answer.push(data));
          }
        },
        error: (error: unknown) => {
          subscriber.next(answer.hasBegun ? answer.broken(messageOf(error)) : 'refused');
          subscriber.complete();
        },
        complete: () => {
          if (refused.status !== undefined) {
            subscriber.next(refusals.has(refused.status) ? 'refused' : refused.response(of));
          } else if (!answer.isWhole) {
            subscriber.next(answer.hasBegun ? answer.broken(text.slices.ended) : 'refused');
          }
          subscriber.complete();
        },
      });
  });
  return read.pipe(switchMap((response) => (response === 'refused' ? whole() : [response])));
}

/** Emits the answer so far; bytes that are not an answer end it. */
function guarded(
  subscriber: Subscriber<DataQueryResponse | 'refused'>,
  answer: SlicedAnswer,
  push: () => DataQueryResponse | undefined
): void {
  try {
    const response = push();
    if (response) {
      subscriber.next(response);
    }
  } catch (error) {
    // A page of a proxy, for example.
    subscriber.next(answer.hasBegun ? answer.broken(messageOf(error)) : 'refused');
    subscriber.complete();
  }
}

/** An answer with an error status, whose body is JSON with the reason. */
class RefusedAnswer {
  status: number | undefined;
  private readonly decoder = new TextDecoder();
  private body = '';

  push(status: number, data: Uint8Array | undefined): void {
    this.status = status;
    this.body += data ? this.decoder.decode(data, { stream: true }) : '';
  }

  response({ refId, key }: AnswerOf): DataQueryResponse {
    const error = { refId, status: this.status, message: this.message() };
    return { key, data: [], state: LoadingState.Error, error, errors: [error] };
  }

  private message(): string {
    try {
      const { message } = JSON.parse(this.body) as { message?: unknown };
      if (typeof message === 'string') {
        return message;
      }
    } catch {
      // Not JSON, so not the plugin's words.
    }
    return text.slices.failed(this.status ?? 0);
  }
}

/** The answers to parts of one request: done when all are. */
export function together(answers: ReadonlyArray<Observable<DataQueryResponse>>): Observable<DataQueryResponse> {
  if (answers.length === 1) {
    return merge(...answers);
  }
  const done = new Set<number>();
  return merge(
    ...answers.map((answer, at) =>
      answer.pipe(
        switchMap((response) => {
          const isLast = (response.state ?? LoadingState.Done) !== LoadingState.Streaming;
          if (isLast) {
            done.add(at);
          }
          const isUnderWay = isLast && done.size < answers.length;
          return of(
            isUnderWay && response.state !== LoadingState.Error
              ? { ...response, state: LoadingState.Streaming }
              : response
          );
        })
      )
    )
  );
}

function messageOf(error: unknown): string {
  if (error instanceof Error) {
    return error.message;
  }
  const { statusText, message } = (error ?? {}) as { statusText?: unknown; message?: unknown };
  return ([message, statusText].find((part) => typeof part === 'string' && part !== '') as string | undefined) ?? '';
}
