import { type BackendSrv, type BackendSrvRequest, type FetchResponse } from '@grafana/runtime';
import { from, lastValueFrom, Observable, switchMap } from 'rxjs';

function urlOf({ url, params }: BackendSrvRequest): string {
  const address = new URL(url, document.baseURI);
  for (const [key, value] of Object.entries(params ?? {})) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null) {
        address.searchParams.append(key, String(each));
      }
    }
  }
  return address.toString();
}

function initOf(config: BackendSrvRequest, signal: AbortSignal): RequestInit {
  const { method = 'GET', data, headers } = config;
  return {
    method,
    signal,
    headers: { accept: 'application/json, text/plain, */*', 'content-type': 'application/json', ...headers },
    body: data === undefined || method === 'GET' ? undefined : JSON.stringify(data),
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return text;
  }
}

/** A response in Grafana's shape, with `data` as its body. */
function answer<T>(response: Response, config: BackendSrvRequest, data: T): FetchResponse<T> {
  const { status, statusText, ok, headers, redirected, type, url } = response;
  return { status, statusText, ok, headers, redirected, type, url, config, data };
}

/** Starts a request. Unsubscribing aborts it, for the host and the plugin too. */
function start(config: BackendSrvRequest): Observable<Response> {
  return new Observable((subscriber) => {
    const controller = new AbortController();
    config.abortSignal?.addEventListener('abort', () => controller.abort());
    fetch(urlOf(config), initOf(config, controller.signal)).then(
      (response) => {
        subscriber.next(response);
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        subscriber.error({ status: 0, statusText: message, data: { message }, message, config });
      }
    );
    return () => controller.abort();
  });
}

async function fail(response: Response, config: BackendSrvRequest): Promise<never> {
  const data = await bodyOf(response);
  throw { status: response.status, statusText: response.statusText, data, config };
}

function fetchOnce<T>(config: BackendSrvRequest): Observable<FetchResponse<T>> {
  return new Observable((subscriber) =>
    start(config)
      .pipe(
        switchMap((response) =>
          from(
            response.ok ? bodyOf(response).then((data) => answer(response, config, data as T)) : fail(response, config)
          )
        )
      )
      .subscribe({
        next: (value) => {
          subscriber.next(value);
          subscriber.complete();
        },
        error: (error) => subscriber.error(error),
      })
  );
}

/** The pieces of a response as they arrive, whatever its status; the last one is empty, as in Grafana. */
function chunked(config: BackendSrvRequest): Observable<FetchResponse<Uint8Array | undefined>> {
  return new Observable((subscriber) => {
    const read = async (response: Response): Promise<void> => {
      const reader = response.body?.getReader();
      for (let done = false; !done && !subscriber.closed;) {
        const piece = await reader?.read();
        done = piece?.done ?? true;
        subscriber.next(answer(response, config, piece?.value));
      }
      subscriber.complete();
    };
    return start(config).subscribe({
      next: (response) => void read(response).catch((error: unknown) => subscriber.error(error)),
      error: (error) => subscriber.error(error),
    });
  });
}

function data<T>(config: BackendSrvRequest): Promise<T> {
  return lastValueFrom(fetchOnce<T>(config)).then((response) => response.data);
}

/** Grafana's BackendSrv on `fetch`. */
export const backendSrv: BackendSrv = {
  get: (url, params, requestId, options) => data({ ...options, method: 'GET', url, params, requestId }),
  delete: (url, body, options) => data({ ...options, method: 'DELETE', url, data: body }),
  post: (url, body, options) => data({ ...options, method: 'POST', url, data: body }),
  patch: (url, body, options) => data({ ...options, method: 'PATCH', url, data: body }),
  put: (url, body, options) => data({ ...options, method: 'PUT', url, data: body }),
  request: data,
  datasourceRequest: (options) => lastValueFrom(fetchOnce(options)),
  fetch: fetchOnce,
  chunked,
};
