import {
  LoadingState,
  type DataQueryError,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
  type DataSourceGetTagKeysOptions,
  type DataSourceGetTagValuesOptions,
  type MetricFindValue,
  type ScopedVars,
  type TimeRange,
} from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';
import { catchError, defaultIfEmpty, forkJoin, from, last, map, merge, mergeMap, of, type Observable } from 'rxjs';

import { isPromql, type HubbleQuery, type PromqlQuery } from './query/model';
import { isVariableFunction } from './variables/query';

/** Types of data sources that answer PromQL as Grafana's own does. */
export const prometheusTypes = [
  'prometheus',
  'grafana-azureprometheus-datasource',
  'grafana-amazonprometheus-datasource',
] as const;

type Ask = (request: DataQueryRequest<HubbleQuery>) => Observable<DataQueryResponse>;

/**
 * Another data source of this Grafana that answers PromQL in place of the backend: with its
 * authentication, its cache and its rights. It replaces variables and applies ad hoc filters itself.
 */
export class Delegation {
  constructor(private readonly uid: string) {}

  /** Asks the other source for PromQL, and `own` for the rest, of one request. */
  query(request: DataQueryRequest<HubbleQuery>, own: Ask): Observable<DataQueryResponse> {
    const promql = request.targets.filter(isPromql);
    const others = request.targets.filter((query) => !isPromql(query));
    if (promql.length === 0) {
      return own(request);
    }
    const theirs = this.ask(request, promql);
    if (others.length === 0) {
      return theirs;
    }
    const ours = own({ ...request, targets: others });
    if (request.liveStreaming) {
      // What streams never ends; each part replaces its own.
      return merge(keyed(ours, 'flows'), keyed(theirs, 'promql'));
    }
    const whole = (part: Observable<DataQueryResponse>) =>
      part.pipe(defaultIfEmpty<DataQueryResponse, DataQueryResponse>({ data: [] }), last());
    return forkJoin([whole(ours), whole(theirs)]).pipe(map(([ours, theirs]) => joined(ours, theirs)));
  }

  private ask(request: DataQueryRequest<HubbleQuery>, queries: PromqlQuery[]): Observable<DataQueryResponse> {
    const shown = queries.filter(({ hide, expr }) => !hide && expr.trim() !== '');
    if (shown.length === 0) {
      return of({ data: [], state: LoadingState.Done });
    }
    return from(this.source()).pipe(
      mergeMap((source) => {
        const targets = shown.map(({ queryType: _, ...query }) => ({ ...query, datasource: source.getRef() }));
        return from(source.query({ ...request, targets }) as Promise<DataQueryResponse>);
      }),
      // Of every query that it stands for: the others of the panel have their answers.
      catchError((error: unknown) =>
        of({
          data: [],
          errors: shown.map(({ refId }): DataQueryError => ({ refId, message: messageOf(error) })),
          state: LoadingState.Error,
        })
      )
    );
  }

  /** Values of a variable. Errors: the other source's, or it is not there. */
  async variable(query: string, range?: TimeRange, scopedVars?: ScopedVars): Promise<MetricFindValue[]> {
    const source = await this.source();
    return (await source.metricFindQuery?.(query, { range, scopedVars })) ?? [];
  }

  /** Names of labels, for ad hoc filters. */
  async tagKeys(options: DataSourceGetTagKeysOptions<HubbleQuery>): Promise<MetricFindValue[]> {
    return listed(await (await this.source()).getTagKeys?.(options));
  }

  /** Values of a label, for ad hoc filters. */
  async tagValues(options: DataSourceGetTagValuesOptions<HubbleQuery>): Promise<MetricFindValue[]> {
    return listed(await (await this.source()).getTagValues?.(options));
  }

  /** Names of metrics. */
  async metricNames(): Promise<string[]> {
    return (await this.variable('label_values(__name__)')).map(({ text }) => text);
  }

  /** The other source's name. Errors: it is not there, or answers no PromQL. */
  async name(): Promise<string> {
    return (await this.source()).name;
  }

  private async source(): Promise<DataSourceApi> {
    if (this.uid === '') {
      throw new Error('no Prometheus data source is chosen: choose one in the settings of this data source');
    }
    const source = await getDataSourceSrv()
      .get({ uid: this.uid })
      .catch(() => undefined);
    if (source?.uid !== this.uid) {
      throw new Error(
        `the Prometheus data source \`${this.uid}\` is not there, or you may not use it: choose another one in the settings of this data source`
      );
    }
    if (!(prometheusTypes as readonly string[]).includes(source.type)) {
      throw new Error(`the data source \`${source.name}\` is of type \`${source.type}\` and answers no PromQL`);
    }
    return source;
  }
}

/** Whether a variable's query is about flows, which no Prometheus knows. */
export function isFlowVariable(query: string): boolean {
  return isVariableFunction(/^\s*(\w+)\s*\(/.exec(query)?.[1] ?? '');
}

function keyed(part: Observable<DataQueryResponse>, key: string): Observable<DataQueryResponse> {
  return part.pipe(map((response) => ({ ...response, key: `${key}-${response.key ?? ''}` })));
}

/** Two answers as one, in which what failed takes nothing away from what did not. */
function joined(ours: DataQueryResponse, theirs: DataQueryResponse): DataQueryResponse {
  const errors = [ours, theirs].flatMap(({ error, errors }) => errors ?? (error ? [error] : []));
  return {
    ...theirs,
    ...ours,
    data: [...ours.data, ...theirs.data],
    error: undefined,
    errors: errors.length > 0 ? errors : undefined,
    state: errors.length > 0 ? LoadingState.Error : LoadingState.Done,
  };
}

/** Sources answer with a list, or with a list and what is wrong with it. */
function listed(answer: MetricFindValue[] | { data: MetricFindValue[] } | undefined): MetricFindValue[] {
  return Array.isArray(answer) ? answer : (answer?.data ?? []);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
