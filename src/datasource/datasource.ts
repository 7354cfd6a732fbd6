import type {
  CoreApp,
  DataQueryRequest,
  DataQueryResponse,
  DataSourceInstanceSettings,
  MetricFindValue,
  ScopedVars,
  TestDataSourceResponse,
  TimeRange,
} from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv } from '@grafana/runtime';
import type { Observable } from 'rxjs';

import { Delegation, isFlowVariable } from './delegation';
import { expand, interpolatePromql, interpolateQuery, type Template } from './query/interpolate';
import { defaultQuery, isPromql, type HubbleQuery } from './query/model';
import { sentenceOf } from './query/rows';
import { namespaceFor, type Suggestions, type SuggestionsRequest } from './suggestions';
import { text } from './text';
import type { HubbleSettings } from './types';
import { HubbleVariables } from './variables/HubbleVariables';

/** How many suggestions a list shows at once. */
const suggestionLimit = 200;

/** Flows from Hubble Relay and metrics from Prometheus, both by way of the backend. */
export class HubbleDataSource extends DataSourceWithBackend<HubbleQuery, HubbleSettings> {
  override annotations = {};

  /** Who answers PromQL in place of the backend, if somebody does. */
  private readonly delegation: Delegation | undefined;

  constructor(
    settings: DataSourceInstanceSettings<HubbleSettings>,
    private readonly template: Template = getTemplateSrv()
  ) {
    super(settings);
    this.variables = new HubbleVariables(this);
    const { prometheusDatasourceUid: uid } = settings.jsonData;
    this.delegation = uid === undefined ? undefined : new Delegation(uid);
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
    return this.delegation ? this.delegation.query(request, (own) => this.ask(own)) : this.ask(request);
  }

  /** The backend's own answer, once what it answers is told from what the other source does. */
  override async testDatasource(): Promise<TestDataSourceResponse> {
    const theirs = await this.delegation?.name();
    const own = await super.testDatasource();
    return theirs === undefined ? own : { ...own, message: `${own.message} ${text.health.delegated(theirs)}` };
  }

  private ask(request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    return super.query({ ...request, targets: request.targets.map(withType) });
  }

  /** Values of a variable. The query's words are the backend's to read. */
  override async metricFindQuery(
    query: string,
    options?: { range?: TimeRange; scopedVars?: ScopedVars }
  ): Promise<MetricFindValue[]> {
    if (this.delegation && !isFlowVariable(query)) {
      return this.delegation.variable(query, options?.range, options?.scopedVars);
    }
    const interpolated = interpolatePromql(query, this.template, options?.scopedVars ?? {});
    if (interpolated.trim() === '') {
      return [];
    }
    return this.postResource<MetricFindValue[]>('variables', {
      query: interpolated,
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

  /** What a variable query stands for, for completion: nothing where there is no answer. */
  async promqlWords(query: string): Promise<string[]> {
    const asked = this.delegation
      ? this.delegation.variable(query)
      : this.postResource<MetricFindValue[]>('variables', { query }, { showErrorAlert: false });
    // Why Prometheus does not answer is told where the query is run.
    return asked.then((values) => values.map(({ text }) => text)).catch(() => []);
  }

  /** Names of the metrics that Prometheus has, for completion. */
  async metricNames(): Promise<string[]> {
    if (this.delegation) {
      return this.delegation.metricNames();
    }
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
