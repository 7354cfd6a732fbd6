import type { HubbleQuery } from '../query/model';

/** A query to begin with. */
export interface Example {
  title: string;
  /** What it shows, in one line. */
  meaning: string;
  query: Omit<HubbleQuery, 'refId'>;
}

interface ExampleGroup {
  title: string;
  examples: Example[];
}

/** A line of `hubble observe` as log lines. */
function line(title: string, text: string, meaning: string): Example {
  return {
    title,
    meaning,
    query: { queryType: 'flows', format: 'logs', limit: 1_000, editorMode: 'text', text } as Example['query'],
  };
}

/** The cheat sheet. */
export const exampleGroups: ExampleGroup[] = [
  {
    title: 'Flows, as a hubble observe line',
    examples: [
      line('Everything that was dropped', 'hubble observe --verdict DROPPED', 'Of all namespaces, with the reason'),
      line(
        'Drops of one namespace, by policies only',
        'hubble observe --namespace pets --verdict DROPPED --drop-reason-desc POLICY_DENIED',
        'A policy, or the lack of one, decided'
      ),
      line(
        'What reaches a workload',
        'hubble observe --to-workload store-front --not --from-workload load-generator',
        '--not leaves out flows that match the filter after it'
      ),
      line(
        'A pair of pods',
        'hubble observe --from-pod pets/store-front --to-pod pets/order-service',
        'Pods by prefix of their names'
      ),
      line('DNS questions and answers', 'hubble observe --protocol dns', 'Seen where a policy has DNS rules'),
      line('Failing HTTP requests', 'hubble observe --http-status 5+', 'All statuses that begin with 5'),
      line(
        'New connections to the world',
        'hubble observe --to-label reserved:world --tcp-flags SYN',
        'First packets of connections'
      ),
      line('Traffic of an address range', 'hubble observe --ip 10.0.0.0/8', 'Source or destination'),
    ],
  },
  {
    title: 'Flow metrics',
    examples: [
      {
        title: 'Drop ratio by destination',
        meaning: 'Share of dropped flows over time; fit for an alert rule',
        query: {
          queryType: 'flowMetrics',
          metric: 'dropRatio',
          groupBy: ['toWorkload'],
          format: 'time_series',
        } as Example['query'],
      },
      {
        title: 'Loudest pairs',
        meaning: 'A ranking of sources and destinations by rate',
        query: {
          queryType: 'flowMetrics',
          metric: 'rate',
          groupBy: ['source', 'destination'],
          format: 'top',
        } as Example['query'],
      },
      {
        title: 'Drops by reason',
        meaning: 'How many, and why',
        query: {
          queryType: 'flowMetrics',
          metric: 'count',
          groupBy: ['dropReasonDesc'],
          format: 'time_series',
          filter: { verdict: ['DROPPED'] },
        } as Example['query'],
      },
    ],
  },
  {
    title: 'Service map',
    examples: [
      {
        title: 'Who talks to whom',
        meaning: 'Workloads as nodes; red parts are drops',
        query: { queryType: 'serviceMap', by: 'workload' } as Example['query'],
      },
      {
        title: 'Namespaces that are denied',
        meaning: 'Only edges with drops',
        query: { queryType: 'serviceMap', by: 'namespace', filter: { verdict: ['DROPPED'] } } as Example['query'],
      },
    ],
  },
  {
    title: 'PromQL',
    examples: [
      {
        title: 'Drops per second by reason',
        meaning: 'From Prometheus, which remembers longer than Hubble',
        query: {
          queryType: 'promql',
          expr: 'sum by (reason) (rate(hubble_drop_total[$__rate_interval]))',
          range: true,
          legendFormat: '__auto',
          format: 'time_series',
        } as Example['query'],
      },
    ],
  },
];
