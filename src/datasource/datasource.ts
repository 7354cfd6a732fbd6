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
import { config, DataSourceWithBackend, getGrafanaLiveSrv, getTemplateSrv } from '@grafana/runtime';
import type { DataQuery } from '@grafana/schema';
import { createElement, type ReactNode } from 'react';
import { firstValueFrom, last, map, merge, type Observable } from 'rxjs';

import { flowAnnotations } from './annotations';
import { Delegation, isFlowVariable } from './delegation';
import { dropEmptyConditions } from './emptyConditions';
import { forExplore, fromExplore } from './explore';
import { liveAddress, liveQueries } from './live/live';
import { aroundRow, contextQuery, contextRequest, type ContextScope } from './logs/context';
import { ContextUi } from './logs/ContextUi';
import { hasFilter, modifications, modifyQuery, toggleFilter } from './logs/toggle';
import { supplementaryRequest, volumeQuery } from './logs/volume';
import { withPackedSource } from './packedSource';
import { asEvents, asksForEvents } from './promqlEvents';
import { convertible, type Conversion } from './query/conversion';
import { selectorFor } from './query/adhoc';
import { isFilterField, isGroupField, type GroupField } from './query/fields';
import { imported } from './query/imported';
import { condition, expand, interpolatePromql, interpolateQuery, type Template } from './query/interpolate';
import {
  defaultLimit,
  defaultQuery,
  fitted,
  isPromql,
  queryTypeOf,
  selectionOf,
  type FlowSelection,
  type HubbleQuery,
  type RelayQuery,
} from './query/model';
import { labelInPath } from './query/promqlText';
import { sentenceOf } from './query/rows';
import { takenOver } from './query/taken';
import { defaultScrapeInterval, withFlowStep } from './step';
import { namespaceFor, type Suggestions, type SuggestionsRequest } from './suggestions';
import { tagKeys, tagValues, type TagSource } from './tags';
import { labelOf, logLabelTypes, text } from './text';
import type { HubbleSettings } from './types';
import { HubbleVariables } from './variables/HubbleVariables';

/** How many suggestions a list shows at once. */
const suggestionLimit = 200;

/** Flows from Hubble Relay and metrics from Prometheus, both by way of the backend. */
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

  /** What was last chosen above the flows around a flow. */
  private contextScope: ContextScope = 'pair';

  /** Who answers PromQL in place of the backend, if somebody does. */
  private readonly delegation: Delegation | undefined;

  constructor(
    settings: DataSourceInstanceSettings<HubbleSettings>,
    private readonly template: Template = getTemplateSrv()
  ) {
    super(settings);
    this.variables = new HubbleVariables(this);
    const { prometheusDatasourceUid: uid, timeInterval } = settings.jsonData;
    // The least step that Grafana asks with, as of its own Prometheus source.
    this.interval = timeInterval || defaultScrapeInterval;
    this.delegation = uid === undefined ? undefined : new Delegation(uid);
  }

  override getDefaultQuery(app: CoreApp): Partial<HubbleQuery> {
    return defaultQuery(app);
  }

  /** What is kept of the queries of another source, when a panel or Explore comes from there. */
  override async importQueries(queries: DataQuery[], origin: DataSourceApi): Promise<HubbleQuery[]> {
    return imported(queries, origin.type);
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
      ...takenOver(interpolateQuery(query, this.template, scopedVars, filters)),
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
    const streams = live.map((query) => this.stream(query, request));
    // Explore's live view takes streams alone.
    return request.liveStreaming || rest.targets.length === 0
      ? merge(...streams)
      : merge(this.answer(rest), ...streams);
  }

  private answer(request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    const answered = this.delegation ? this.delegation.query(request, (own) => this.ask(own)) : this.ask(request);
    return asksForEvents(request) ? answered.pipe(map((response) => asEvents(response, request.intervalMs))) : answered;
  }

  /** The backend's own answer, once what it answers is told from what the other source does. */
  override async testDatasource(): Promise<TestDataSourceResponse> {
    const theirs = await this.delegation?.name();
    const own = await super.testDatasource();
    return theirs === undefined ? own : { ...own, message: `${own.message} ${text.health.delegated(theirs)}` };
  }

  private ask(request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    const groupBy = (request.groupByKeys ?? []).filter(isGroupField);
    const stepped = withFlowStep(request, this.interval ?? defaultScrapeInterval);
    const queries = request.targets.map((query) => grouped(fitted(query), groupBy));
    const explores = request.app === CoreApp.Explore;
    return super
      .query({ ...stepped, targets: explores ? queries.flatMap(forExplore) : queries })
      .pipe(map((response) => withPackedSource(explores ? fromExplore(response) : response, this.uid)));
  }

  /** Flows as they come; the newest are kept. */
  private stream(query: HubbleQuery, request: DataQueryRequest<HubbleQuery>): Observable<DataQueryResponse> {
    const asked = interpolateQuery(query, this.template, request.scopedVars, request.filters);
    if (queryTypeOf(asked) !== 'flows') {
      throw new Error('only flows are streamed');
    }
    const { refId } = query;
    return getGrafanaLiveSrv()
      .getDataStream({
        addr: liveAddress(this.uid, config.bootData.user.id, asked as Parameters<typeof liveAddress>[2]),
        key: `${request.requestId}.${refId}`,
        buffer: { maxLength: ('limit' in asked ? asked.limit : undefined) ?? defaultLimit },
      })
      .pipe(
        map((response) => ({
          ...response,
          key: `${request.requestId}.${refId}`,
          state: response.state ?? LoadingState.Streaming,
        }))
      );
  }

  // === Logs in Explore ===

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
      data: (answer.data as DataFrame[]).map((frame) => aroundRow(frame, row, options?.direction)),
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

  /** Labels of a line stand under the end of the flow that they are about. */
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

  // === Ad hoc filters and variables ===

  /** Fields of flows, labels of Prometheus, or both: by what the dashboard asks of this source. */
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

  /** Names or values of labels, of the series that meet `filters`. */
  private async labels(
    path: string,
    range: TimeRange | undefined,
    filters: readonly AdHocVariableFilter[]
  ): Promise<MetricFindValue[]> {
    const selector = selectorFor(filters.map((filter) => condition(filter, this.template, {})));
    const { data } = await this.getResource<{ data?: string[] }>(path, {
      ...(range && { start: range.from.unix(), end: range.to.unix() }),
      ...(selector !== undefined && { 'match[]': selector }),
    });
    return (data ?? []).map((text) => ({ text, value: text }));
  }

  async getGroupByKeys(): Promise<MetricFindValue[]> {
    return this.getResource<MetricFindValue[]>('group-by-keys');
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

  // === The editor ===

  /** The query in one line, for the history of queries. */
  override getQueryDisplayText(query: HubbleQuery): string {
    return isPromql(query) ? query.expr : sentenceOf(query);
  }

  /** The selection in its other form, and what is wrong with it. Variables stay as they are. */
  async convert(selection: FlowSelection): Promise<Conversion> {
    return this.postResource<Conversion>('convert', convertible(selection), { showErrorAlert: false });
  }

  /** The `hubble observe` line that shows the flows of a query, its variables replaced. */
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

/** Counts by what the dashboard groups by, beside the query's own. */
function grouped(query: HubbleQuery, groupBy: GroupField[]): HubbleQuery {
  return query.queryType === 'flowMetrics' && groupBy.length > 0
    ? { ...query, groupBy: [...new Set([...(query.groupBy ?? []), ...groupBy])] }
    : query;
}
