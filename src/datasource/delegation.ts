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

import { reasonOf } from './failure';
import { isPromql, type HubbleQuery, type PromqlQuery } from './query/model';
import { isVariableFunction } from './variables/query';

/** Data source types that answer PromQL like Grafana's own. */
export const prometheusTypes = [
  'prometheus',
  'grafana-azureprometheus-datasource',
  'grafana-amazonprometheus-datasource',
] as const;

type Ask = (request: DataQueryRequest<HubbleQuery>) => Observable<DataQueryResponse>;

/**
 * The Prometheus data source that answers PromQL in place of the backend, with its own authentication, cache and
 * permissions. It replaces variables and applies ad hoc filters itself.
 */
export class Delegation {
  constructor(private readonly uid: string) {}

  /** Sends the PromQL of a request to the other data source and the rest to `own`. */
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
      // Streams do not end. With keys of their own, the two parts do not replace each other.
      return merge(withKeyPrefix(ours, 'flows'), withKeyPrefix(theirs, 'promql'));
    }
    const whole = (part: Observable<DataQueryResponse>) =>
      part.pipe(defaultIfEmpty<DataQueryResponse, DataQueryResponse>({ data: [] }), last());
    return forkJoin([whole(ours), whole(theirs)]).pipe(map(([ours, theirs]) => mergeResponses(ours, theirs)));
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
      // One error for each PromQL query; the other queries of the panel have their answers.
      catchError((error: unknown) =>
        of({
          data: [],
          errors: shown.map(({ refId }): DataQueryError => ({ refId, message: reasonOf(error) })),
          state: LoadingState.Error,
        })
      )
    );
  }

  /** Values of a variable. Errors: those of the other data source, or it is missing. */
  async variable(query: string, range?: TimeRange, scopedVars?: ScopedVars): Promise<MetricFindValue[]> {
    const source = await this.source();
    return (await source.metricFindQuery?.(query, { range, scopedVars })) ?? [];
  }

  /** Names of labels, for ad hoc filters. */
  async tagKeys(options: DataSourceGetTagKeysOptions<HubbleQuery>): Promise<MetricFindValue[]> {
    return toList(await (await this.source()).getTagKeys?.(options));
  }

  /** Values of a label, for ad hoc filters. */
  async tagValues(options: DataSourceGetTagValuesOptions<HubbleQuery>): Promise<MetricFindValue[]> {
    return toList(await (await this.source()).getTagValues?.(options));
  }

  /** Names of metrics. */
  async metricNames(): Promise<string[]> {
    return (await this.variable('label_values(__name__)')).map(({ text }) => text);
  }

  /** The other data source's name. Errors: it is missing, or does not answer PromQL. */
  async name(): Promise<string> {
    return (await this.source()).name;
  }

  private async source(): Promise<DataSourceApi> {
    if (this.uid === '') {
      throw new Error('no Prometheus data source is selected: select one in the settings of this data source');
    }
    const source = await getDataSourceSrv()
      .get({ uid: this.uid })
      .catch(() => undefined);
    if (source?.uid !== this.uid) {
      throw new Error(
        `the Prometheus data source \`${this.uid}\` does not exist, or you have no permission to query it: select another one in the settings of this data source`
      );
    }
    if (!(prometheusTypes as readonly string[]).includes(source.type)) {
      throw new Error(`the data source \`${source.name}\` of type \`${source.type}\` does not answer PromQL`);
    }
    return source;
  }
}

/** Whether a variable's query is about flows. */
export function isFlowVariable(query: string): boolean {
  return isVariableFunction(/^\s*(\w+)\s*\(/.exec(query)?.[1] ?? '');
}

function withKeyPrefix(part: Observable<DataQueryResponse>, key: string): Observable<DataQueryResponse> {
  return part.pipe(map((response) => ({ ...response, key: `${key}-${response.key ?? ''}` })));
}

/** Both answers as one. An error of one keeps the data of the other. */
function mergeResponses(ours: DataQueryResponse, theirs: DataQueryResponse): DataQueryResponse {
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

/** The list in an answer: data sources return it directly or as `data`. */
function toList(answer: MetricFindValue[] | { data: MetricFindValue[] } | undefined): MetricFindValue[] {
  return Array.isArray(answer) ? answer : (answer?.data ?? []);
}
