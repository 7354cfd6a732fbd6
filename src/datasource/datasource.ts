import type {
  CoreApp,
  DataQueryRequest,
  DataQueryResponse,
  DataSourceInstanceSettings,
  MetricFindValue,
  ScopedVars,
  TimeRange,
} from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv } from '@grafana/runtime';
import type { Observable } from 'rxjs';

import { expand, interpolatePromql, interpolateQuery, type Template } from './query/interpolate';
import { defaultQuery, isPromql, type HubbleQuery } from './query/model';
import { sentenceOf } from './query/rows';
import { namespaceFor, type Suggestions, type SuggestionsRequest } from './suggestions';
import type { HubbleSettings } from './types';
import { HubbleVariables } from './variables/HubbleVariables';

/** How many suggestions a list shows at once. */
const suggestionLimit = 200;

/** Flows from Hubble Relay and metrics from Prometheus, both by way of the backend. */
export class HubbleDataSource extends DataSourceWithBackend<HubbleQuery, HubbleSettings> {
  override annotations = {};

  constructor(
    settings: DataSourceInstanceSettings<HubbleSettings>,
    private readonly template: Template = getTemplateSrv()
  ) {
    super(settings);
    this.variables = new HubbleVariables(this);
  }

  override getDefaultQuery(app: CoreApp): Partial<HubbleQuery> {
    return defaultQuery(app);
  }

  override filterQuery(query: HubbleQuery): boolean {
    return !query.hide && (!isPromql(query) || query.expr.trim() !== '');
  }

  override applyTemplateVariables(query: HubbleQuery, scopedVars: ScopedVars): HubbleQuery {
    return interpolateQuery(query, this.template, scopedVars);
  }

  override interpolateVariablesInQueries(queries: HubbleQuery[], scopedVars: ScopedVars): HubbleQuery[] {
    return queries.map((query) => ({
      ...interpolateQuery(query, this.template, scopedVars),
      datasource: this.getRef(),
    }));
  }

  override query(request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    return super.query({ ...request, targets: request.targets.map(withType) });
  }

  /** Values of a variable. The query's words are the backend's to read. */
  override async metricFindQuery(
    query: string,
    options?: { range?: TimeRange; scopedVars?: ScopedVars }
  ): Promise<MetricFindValue[]> {
    const text = interpolatePromql(query, this.template, options?.scopedVars ?? {});
    if (text.trim() === '') {
      return [];
    }
    return this.postResource<MetricFindValue[]>('variables', {
      query: text,
      from: options?.range?.from.valueOf(),
      to: options?.range?.to.valueOf(),
    });
  }

  /** The query in one line, for the history of queries. */
  override getQueryDisplayText(query: HubbleQuery): string {
    return isPromql(query) ? query.expr : sentenceOf(query);
  }

  /** The dashboard's variables, as they are written in a filter line. */
  templateVariables(): string[] {
    return this.template.getVariables().map(({ name }) => `$${name}`);
  }

  /** What a filter line may hold, by the flows of the last minutes. */
  async suggestions({ field, prefix, filter }: SuggestionsRequest): Promise<Suggestions> {
    const namespace = namespaceFor(field, filter);
    const [only, ...others] = namespace ? expand([namespace], this.template, {}) : [];
    return this.getResource<Suggestions>(
      'suggestions',
      {
        field,
        prefix,
        limit: suggestionLimit,
        ...(only && others.length === 0 ? { namespace: only } : {}),
      },
      { showErrorAlert: false }
    );
  }

  /** Names of the metrics that Prometheus has, for completion. */
  async metricNames(): Promise<string[]> {
    const answer = await this.getResource<{ data?: string[] }>('api/v1/label/__name__/values', undefined, {
      showErrorAlert: false,
    });
    return answer.data ?? [];
  }
}

/** A query of a Prometheus source names no type. */
function withType(query: HubbleQuery): HubbleQuery {
  return isPromql(query) ? { ...query, queryType: 'promql' } : { ...query, queryType: 'flows' };
}
