import { isFetchError } from '@grafana/runtime';
import { Alert } from '@grafana/ui';
import { useEffect, useState } from 'react';

interface State<T> {
  key: string;
  loaded?: T;
  error?: unknown;
}

/** The result of `load` for a key. `load` must be the same function in every render. */
export function useLoaded<T>(load: (key: string) => Promise<T>, key: string): { loaded?: T; error?: unknown } {
  const [state, setState] = useState<State<T>>({ key });
  useEffect(() => {
    let current = true;
    load(key).then(
      (loaded) => current && setState({ key, loaded }),
      (error: unknown) => current && setState({ key, error })
    );
    return () => {
      current = false;
    };
  }, [load, key]);
  return state.key === key ? state : {};
}

/** The message of an error: the host's, if it has one. */
export function messageOf(error: unknown): string {
  if (isFetchError(error)) {
    return error.data?.message ?? error.statusText ?? `the host answered ${error.status}`;
  }
  const message = (error as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : String(error);
}

export function Failure({ title, error }: { title: string; error: unknown }) {
  return <Alert title={title}>{messageOf(error)}</Alert>;
}
