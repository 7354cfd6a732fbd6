import type { DataSourceGetTagKeysOptions, DataSourceGetTagValuesOptions, MetricFindValue } from '@grafana/data';

import { isFilterField, type FilterField } from './query/fields';
import { isPromql, type FlowFilter, type HubbleQuery } from './query/model';
import { text } from './text';

type KeyOptions = DataSourceGetTagKeysOptions<HubbleQuery>;
type ValueOptions = DataSourceGetTagValuesOptions<HubbleQuery>;

/** Where keys and values of ad hoc filters come from. */
export interface TagSource {
  flowKeys(): Promise<MetricFindValue[]>;
  flowValues(field: FilterField, filter: FlowFilter): Promise<MetricFindValue[]>;
  /** Labels of the series that meet the filters. */
  labelNames(options: KeyOptions): Promise<MetricFindValue[]>;
  labelValues(options: ValueOptions): Promise<MetricFindValue[]>;
}

/** What the dashboard asks of this source. Where it is not told, it may be anything. */
type Context = 'flows' | 'promql' | 'both';

function contextOf(queries: readonly HubbleQuery[] | undefined): Context {
  const promql = queries?.some(isPromql) ?? false;
  const flows = queries?.some((query) => !isPromql(query)) ?? false;
  return promql === flows ? 'both' : promql ? 'promql' : 'flows';
}

/** What can be filtered by. */
export async function tagKeys(source: TagSource, options: KeyOptions): Promise<MetricFindValue[]> {
  const context = contextOf(options.queries);
  switch (context) {
    case 'flows':
      return source.flowKeys();
    case 'promql':
      return unused(await source.labelNames(promqlOnly(options)), options);
    case 'both': {
      // Conditions on flows say nothing about series.
      const labels = source.labelNames({ ...promqlOnly(options), filters: [] });
      const [flows, names] = await either(source.flowKeys(), labels);
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

/** What can be filtered for. */
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
  const [ofFlows, ofLabels] = await either(flows, source.labelValues({ ...promqlOnly(options), filters: [] }));
  const texts = [...ofFlows, ...ofLabels].map(({ text }) => text);
  return [...new Set(texts)].map((text) => ({ text }));
}

function promqlOnly<Options extends KeyOptions>(options: Options): Options {
  return { ...options, queries: options.queries?.filter(isPromql) };
}

/** A label that is filtered by already is not offered again. */
function unused(labels: MetricFindValue[], { filters }: KeyOptions): MetricFindValue[] {
  return labels.filter(({ text }) => !filters.some(({ key }) => key === text));
}

/** Both lists; where one cannot be had, the other. Errors: that of the first, where there is neither. */
async function either(
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

/** The chosen conditions that narrow what there is to choose. */
function filterOf(filters: KeyOptions['filters']): FlowFilter {
  const filter: FlowFilter = {};
  for (const { key, operator, value, values } of filters) {
    if (isFilterField(key) && !operator.startsWith('!')) {
      filter[key] = operator === '=|' && values ? values : [value];
    }
  }
  return filter;
}
