import {
  CoreApp,
  LoadingState,
  SupplementaryQueryType,
  type AdHocVariableFilter,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
  type DataSourceGetTagKeysOptions,
  type DataSourceGetTagValuesOptions,
  type DataSourceInstanceSettings,
  type DataSourceWithLogsContextSupport,
  type DataSourceWithLogsLabelTypesSupport,
  type DataSourceWithQueryModificationSupport,
  type DataSourceWithSupplementaryQueriesSupport,
  type DataSourceWithToggleableQueryFiltersSupport,
  type LogRowContextOptions,
  type LogRowModel,
  type MetricFindValue,
  type QueryFilterOptions,
  type QueryFixAction,
  type ScopedVars,
  type SupplementaryQueryOptions,
  type TestDataSourceResponse,
  type TimeRange,
  type ToggleFilterAction,
} from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv } from '@grafana/runtime';
import type { DataQuery } from '@grafana/schema';
import { createElement, type ReactNode } from 'react';
import { defer, firstValueFrom, from, last, map, merge, switchMap, type Observable } from 'rxjs';

import { flowAnnotations } from './annotations';
import { Delegation, isFlowVariable } from './delegation';
import { dropEmptyConditions } from './emptyConditions';
import { toExploreQueries, fromExploreResponse } from './explore';
import { liveQueries, withRefId } from './live/live';
import { contextRows, contextQuery, contextRequest, type ContextScope } from './logs/context';
import { ContextUi } from './logs/ContextUi';
import { hasFilter, modifications, modifyQuery, toggleFilter } from './logs/toggle';
import { supplementaryRequest, volumeQuery } from './logs/volume';
import { withSource } from './frameSource';
import { toAnnotationEvents, isAnnotationRequest } from './promqlEvents';
import { conversionRequest, type Conversion } from './query/conversion';
import { selectorFor } from './query/adhoc';
import { isFilterField, isGroupField, type GroupField } from './query/fields';
import { importPromql } from './query/importPromql';
import { interpolateCondition, expand, interpolatePromql, interpolateQuery, type Template } from './query/interpolate';
import {
  defaultQuery,
  normalizeQuery,
  isPromql,
  queryTypeOf,
  selectionOf,
  type FlowSelection,
  type FlowsQuery,
  type HubbleQuery,
  type RelayQuery,
} from './query/model';
import { labelInPath } from './query/promqlText';
import { sentenceOf } from './query/rows';
import { withoutAllConditions } from './query/allConditions';
import { slicedFlows, slicedQueries, together } from './slices/slicedFlows';
import { defaultScrapeInterval, withFlowStep } from './step';
import { namespaceFor, type Suggestions, type SuggestionsRequest } from './suggestions';
import { tagKeys, tagValues, type TagSource } from './tags';
import { labelOf, logLabelTypes, text } from './text';
import type { HubbleSettings } from './types';
import { HubbleVariables } from './variables/HubbleVariables';

/** Maximum number of suggestions in a list. */
const suggestionLimit = 200;

/** The data source: flows from Hubble Relay and metrics from Prometheus, both through the backend. */
export class HubbleDataSource
  extends DataSourceWithBackend<HubbleQuery, HubbleSettings>
  implements
    DataSourceWithSupplementaryQueriesSupport<HubbleQuery>,
    DataSourceWithLogsContextSupport<HubbleQuery>,
    DataSourceWithToggleableQueryFiltersSupport<HubbleQuery>,
    DataSourceWithQueryModificationSupport<HubbleQuery>,
    DataSourceWithLogsLabelTypesSupport
{
  override annotations = flowAnnotations;

  readonly supportsAdjustableWindow = true;

  /** The last choice in the log context view. */
  private contextScope: ContextScope = 'pair';

  /** The data source that answers PromQL in place of the backend, if one is set. */
  private readonly delegation: Delegation | undefined;

  constructor(
    settings: DataSourceInstanceSettings<HubbleSettings>,
    private readonly template: Template = getTemplateSrv()
  ) {
    super(settings);
    this.variables = new HubbleVariables(this);
    const { prometheusDatasourceUid: uid, timeInterval } = settings.jsonData;
    // Lower limit of Grafana's step, as in its own Prometheus source.
    this.interval = timeInterval || defaultScrapeInterval;
    this.delegation = uid === undefined ? undefined : new Delegation(uid);
  }

  override getDefaultQuery(app: CoreApp): Partial<HubbleQuery> {
    return defaultQuery(app);
  }

  /** The queries to keep when a panel or Explore switches from another data source. */
  override async importQueries(queries: DataQuery[], origin: DataSourceApi): Promise<HubbleQuery[]> {
    return importPromql(queries, origin.type);
  }

  override filterQuery(query: HubbleQuery): boolean {
    return !query.hide && (!isPromql(query) || query.expr.trim() !== '');
  }

  override applyTemplateVariables(
    query: HubbleQuery,
    scopedVars: ScopedVars,
    filters?: AdHocVariableFilter[]
  ): HubbleQuery {
    return interpolateQuery(query, this.template, scopedVars, filters);
  }

  override interpolateVariablesInQueries(
    queries: HubbleQuery[],
    scopedVars: ScopedVars,
    filters?: AdHocVariableFilter[]
  ): HubbleQuery[] {
    return queries.map((query) => ({
      ...withoutAllConditions(interpolateQuery(query, this.template, scopedVars, filters)),
      datasource: this.getRef(),
    }));
  }

  override query(request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    dropEmptyConditions(request.targets);
    const live = liveQueries(request);
    if (live.length === 0) {
      return this.answer(request);
    }
    const streamed = new Set(live.map(({ refId }) => refId));
    const rest = { ...request, targets: request.targets.filter(({ refId }) => !streamed.has(refId)) };
    const streams = live.map((query) => defer(() => this.stream(query, request)));
    // Explore's live view accepts streams only.
    return request.liveStreaming || rest.targets.length === 0
      ? merge(...streams)
      : merge(this.answer(rest), ...streams);
  }

  /** The answers: those of the flows panel slice by slice, the others whole. */
  private answer(request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    const sliced = slicedQueries(request);
    if (sliced.length === 0) {
      return this.answerWhole(request);
    }
    const comeInSlices = new Set<HubbleQuery>(sliced);
    const targets = request.targets.filter((query) => !comeInSlices.has(query));
    return together([
      ...(targets.length > 0 ? [this.answerWhole({ ...request, targets })] : []),
      ...sliced.map((query) => this.answerInSlices(query, request)),
    ]);
  }

  private answerInSlices(query: FlowsQuery, request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    const { requestId, scopedVars, filters, range } = request;
    const { uid } = this;
    const { refId } = query;
    const asked = interpolateQuery(normalizeQuery(query), this.template, scopedVars, filters) as FlowsQuery;
    const key = `${requestId}.${refId}`;
    return slicedFlows(asked, range, { uid, refId, key, query }, () =>
      this.answerWhole({ ...request, targets: [query] }).pipe(map((response) => ({ ...response, key })))
    );
  }

  private answerWhole(request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    const answered = this.delegation ? this.delegation.query(request, (own) => this.ask(own)) : this.ask(request);
    return isAnnotationRequest(request)
      ? answered.pipe(map((response) => toAnnotationEvents(response, request.intervalMs)))
      : answered;
  }

  /** The backend's health, with a note where another data source answers PromQL. */
  override async testDatasource(): Promise<TestDataSourceResponse> {
    const theirs = await this.delegation?.name();
    const own = await super.testDatasource();
    return theirs === undefined ? own : { ...own, message: `${own.message} ${text.health.delegated(theirs)}` };
  }

  private ask(request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    const groupBy = (request.groupByKeys ?? []).filter(isGroupField);
    const stepped = withFlowStep(request, this.interval ?? defaultScrapeInterval);
    const queries = request.targets.map((query) => withGroupByKeys(normalizeQuery(query), groupBy));
    const explores = request.app === CoreApp.Explore;
    return super
      .query({ ...stepped, targets: explores ? queries.flatMap(toExploreQueries) : queries })
      .pipe(
        map((response) => withSource(explores ? fromExploreResponse(response) : response, this.uid, request.targets))
      );
  }

  /** A stream of new flows; the buffer keeps the newest. */
  private stream(query: HubbleQuery, request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    const interpolated = interpolateQuery(query, this.template, request.scopedVars, request.filters);
    if (queryTypeOf(interpolated) !== 'flows') {
      throw new Error('only flows are streamed');
    }
    const key = `${request.requestId}.${query.refId}`;
    const loaded = import('./live/channel').catch(() => {
      throw new Error(text.live.failed);
    });
    return from(loaded).pipe(
      switchMap(({ channelStream }) =>
        channelStream(this.uid, interpolated as FlowsQuery, key, async () => this.liveRefusal())
      ),
      map((response) => ({
        ...withRefId(response, query.refId),
        key,
        state: response.state ?? LoadingState.Streaming,
      }))
    );
  }

  /** The reason of a refused live channel. */
  private async liveRefusal(): Promise<string> {
    const { refusal } = await this.getResource<{ refusal?: string | null }>('live').catch(() => ({ refusal: null }));
    return refusal ?? text.live.refused;
  }

  // Logs in Explore

  getSupportedSupplementaryQueryTypes(): SupplementaryQueryType[] {
    return [SupplementaryQueryType.LogsVolume];
  }

  getSupplementaryQuery({ type }: SupplementaryQueryOptions, query: HubbleQuery): HubbleQuery | undefined {
    return type === SupplementaryQueryType.LogsVolume ? volumeQuery(query) : undefined;
  }

  getSupplementaryRequest(
    type: SupplementaryQueryType,
    request: DataQueryRequest<HubbleQuery>
  ): DataQueryRequest<HubbleQuery> | undefined {
    return supplementaryRequest(type, request);
  }

  getLogRowContextQuery = async (row: LogRowModel, options?: LogRowContextOptions): Promise<HubbleQuery | null> => ({
    ...contextQuery(row, this.contextScope, options),
    datasource: this.getRef(),
  });

  getLogRowContext = async (row: LogRowModel, options?: LogRowContextOptions): Promise<DataQueryResponse> => {
    const query = { ...contextQuery(row, this.contextScope, options), datasource: this.getRef() };
    const answer = await firstValueFrom(this.query(contextRequest(row, query, options)).pipe(last()));
    if (answer.errors?.[0] ?? answer.error) {
      throw answer.errors?.[0] ?? answer.error;
    }
    return {
      ...answer,
      data: (answer.data as DataFrame[]).map((frame) => contextRows(frame, row, options?.direction)),
    };
  };

  getLogRowContextUi = (row: LogRowModel, runContextQuery?: () => void): ReactNode =>
    createElement(ContextUi, {
      row,
      scope: this.contextScope,
      onChange: (scope) => {
        this.contextScope = scope;
        runContextQuery?.();
      },
    });

  /** The group of a log line's label: source, destination or flow. */
  getLabelDisplayTypeFromFrame(label: string, frame: DataFrame | undefined, index: number | null): string | null {
    const types: unknown = frame?.fields.find(({ name }) => name === 'labelTypes')?.values[index ?? 0];
    const type: unknown = typeof types === 'object' && types !== null ? Reflect.get(types, label) : undefined;
    return typeof type === 'string' ? (logLabelTypes[type] ?? null) : null;
  }

  toggleQueryFilter(query: HubbleQuery, filter: ToggleFilterAction): HubbleQuery {
    return toggleFilter(query, filter);
  }

  queryHasFilter(query: HubbleQuery, filter: QueryFilterOptions): boolean {
    return hasFilter(query, filter);
  }

  override modifyQuery(query: HubbleQuery, action: QueryFixAction): HubbleQuery {
    return modifyQuery(query, action);
  }

  getSupportedQueryModifications(): string[] {
    return modifications;
  }

  // Ad hoc filters and variables

  /** Filter keys: fields of flows, labels of Prometheus, or both, by the queries of the dashboard. */
  override async getTagKeys(options?: DataSourceGetTagKeysOptions<HubbleQuery>): Promise<MetricFindValue[]> {
    return tagKeys(this.tags, options ?? { filters: [] });
  }

  override async getTagValues(options: DataSourceGetTagValuesOptions<HubbleQuery>): Promise<MetricFindValue[]> {
    return tagValues(this.tags, options);
  }

  private readonly tags: TagSource = {
    flowKeys: async () => {
      const keys = await this.getResource<MetricFindValue[]>('tag-keys');
      return keys.map(({ text }) => ({ value: text, text: isFilterField(text) ? labelOf(text) : text }));
    },
    flowValues: async (field, filter) => {
      const { values } = await this.suggestions({ field, prefix: '', filter });
      return values.map((value) => ({ text: value }));
    },
    labelNames: async (options) =>
      this.delegation
        ? this.delegation.tagKeys(options)
        : this.labels('api/v1/labels', options.timeRange, options.filters),
    labelValues: async (options) =>
      this.delegation
        ? this.delegation.tagValues(options)
        : this.labels(`api/v1/label/${labelInPath(options.key)}/values`, options.timeRange, options.filters),
  };

  /** Names or values of labels, of the series that match `filters`. */
  private async labels(
    path: string,
    range: TimeRange | undefined,
    filters: readonly AdHocVariableFilter[]
  ): Promise<MetricFindValue[]> {
    const selector = selectorFor(filters.map((filter) => interpolateCondition(filter, this.template, {})));
    const { data } = await this.getResource<{ data?: string[] }>(path, {
      ...(range && { start: range.from.unix(), end: range.to.unix() }),
      ...(selector !== undefined && { 'match[]': selector }),
    });
    return (data ?? []).map((text) => ({ text, value: text }));
  }

  async getGroupByKeys(): Promise<MetricFindValue[]> {
    return this.getResource<MetricFindValue[]>('group-by-keys');
  }

  /** Values of a variable. The backend parses the query. */
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

  // The editors

  /** The query as one line of text, for the query history. */
  override getQueryDisplayText(query: HubbleQuery): string {
    return isPromql(query) ? query.expr : sentenceOf(query);
  }

  /** The selection in its other form, with its errors. Variables are not replaced. */
  async convert(selection: FlowSelection): Promise<Conversion> {
    return this.postResource<Conversion>('convert', conversionRequest(selection), { showErrorAlert: false });
  }

  /** The `hubble observe` line for the flows of a query, with variables replaced. */
  async command(query: RelayQuery): Promise<string> {
    const { errors, command, text } = await this.convert(
      selectionOf(interpolateQuery(query, this.template, {}) as RelayQuery)
    );
    const line = command ?? text;
    if (line === undefined) {
      throw new Error(errors[0]?.text ?? 'there is no such line');
    }
    return line;
  }

  /** The dashboard's variables, each as `$name`. */
  templateVariables(): string[] {
    return this.template.getVariables().map(({ name }) => `$${name}`);
  }

  /** Values to suggest for a filter, from the flows of the last minutes. */
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

  /** The values of a variable query, for suggestions; empty where Prometheus does not answer. */
  async promqlWords(query: string): Promise<string[]> {
    const answer = this.delegation
      ? this.delegation.variable(query)
      : this.postResource<MetricFindValue[]>('variables', { query }, { showErrorAlert: false });
    // The query reports the fault when it runs.
    return answer.then((values) => values.map(({ text }) => text)).catch(() => []);
  }

  /** Names of Prometheus' metrics, for suggestions. */
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

/** The query with the dashboard's group-by keys beside its own. */
function withGroupByKeys(query: HubbleQuery, groupBy: GroupField[]): HubbleQuery {
  return query.queryType === 'flowMetrics' && groupBy.length > 0
    ? { ...query, groupBy: [...new Set([...(query.groupBy ?? []), ...groupBy])] }
    : query;
}
