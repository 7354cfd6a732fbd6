import type { DataSourceGetTagKeysOptions, DataSourceGetTagValuesOptions, MetricFindValue } from '@grafana/data';

import { isFilterField, type FilterField } from './query/fields';
import { isPromql, type FlowFilter, type HubbleQuery } from './query/model';
import { text } from './text';

type KeyOptions = DataSourceGetTagKeysOptions<HubbleQuery>;
type ValueOptions = DataSourceGetTagValuesOptions<HubbleQuery>;

/** The origin of keys and values of ad hoc filters. */
export interface TagSource {
  flowKeys(): Promise<MetricFindValue[]>;
  flowValues(field: FilterField, filter: FlowFilter): Promise<MetricFindValue[]>;
  /** Labels of the series that match the filters. */
  labelNames(options: KeyOptions): Promise<MetricFindValue[]>;
  labelValues(options: ValueOptions): Promise<MetricFindValue[]>;
}

/** The kinds of queries on the dashboard; both where they are unknown. */
type Context = 'flows' | 'promql' | 'both';

function contextOf(queries: readonly HubbleQuery[] | undefined): Context {
  const promql = queries?.some(isPromql) ?? false;
  const flows = queries?.some((query) => !isPromql(query)) ?? false;
  return promql === flows ? 'both' : promql ? 'promql' : 'flows';
}

/** The keys of ad hoc filters. */
export async function tagKeys(source: TagSource, options: KeyOptions): Promise<MetricFindValue[]> {
  const context = contextOf(options.queries);
  switch (context) {
    case 'flows':
      return source.flowKeys();
    case 'promql':
      return unused(await source.labelNames(promqlOnly(options)), options);
    case 'both': {
      // Filters on flows do not narrow series.
      const labels = source.labelNames({ ...promqlOnly(options), filters: [] });
      const [flows, names] = await settleBoth(source.flowKeys(), labels);
      const known = new Set(flows.map(({ value }) => value));
      return [
        ...flows.map((key) => ({ ...key, group: text.adhoc.flows })),
        ...names
          .filter(({ value, text }) => !known.has(value ?? text))
          .map((name) => ({ ...name, group: text.adhoc.labels })),
      ];
    }
  }
}

/** The values of an ad hoc filter's key. */
export async function tagValues(source: TagSource, options: ValueOptions): Promise<MetricFindValue[]> {
  const { key, queries, filters } = options;
  const context = contextOf(queries);
  if (context === 'promql') {
    return source.labelValues(promqlOnly(options));
  }
  const flows = isFilterField(key) ? source.flowValues(key, filterOf(filters)) : Promise.resolve([]);
  if (context === 'flows') {
    return flows;
  }
  const [ofFlows, ofLabels] = await settleBoth(flows, source.labelValues({ ...promqlOnly(options), filters: [] }));
  const texts = [...ofFlows, ...ofLabels].map(({ text }) => text);
  return [...new Set(texts)].map((text) => ({ text }));
}

function promqlOnly<Options extends KeyOptions>(options: Options): Options {
  return { ...options, queries: options.queries?.filter(isPromql) };
}

/** The labels without those that a filter has already. */
function unused(labels: MetricFindValue[], { filters }: KeyOptions): MetricFindValue[] {
  return labels.filter(({ text }) => !filters.some(({ key }) => key === text));
}

/** Both lists, of which one may fail. Errors: the first list's, where both fail. */
async function settleBoth(
  one: Promise<MetricFindValue[]>,
  other: Promise<MetricFindValue[]>
): Promise<[MetricFindValue[], MetricFindValue[]]> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === 'rejected' && second.status === 'rejected') {
    throw first.reason;
  }
  const had = (part: PromiseSettledResult<MetricFindValue[]>) => (part.status === 'fulfilled' ? part.value : []);
  return [had(first), had(second)];
}

/** The positive ad hoc filters as a flow filter, to narrow the values. */
function filterOf(filters: KeyOptions['filters']): FlowFilter {
  const filter: FlowFilter = {};
  for (const { key, operator, value, values } of filters) {
    if (isFilterField(key) && !operator.startsWith('!')) {
      filter[key] = operator === '=|' && values ? values : [value];
    }
  }
  return filter;
}
