import type { HubbleQuery } from '../query/model';

/** An example query. */
export interface Example {
  title: string;
  /** One line about what it shows. */
  meaning: string;
  query: Omit<HubbleQuery, 'refId'>;
}

interface ExampleGroup {
  title: string;
  examples: Example[];
}

/** An example of a `hubble observe` line, shown as log lines. */
function line(title: string, text: string, meaning: string): Example {
  return {
    title,
    meaning,
    query: { queryType: 'flows', format: 'logs', limit: 1_000, editorMode: 'text', text } as Example['query'],
  };
}

/** The examples of the query help. */
export const exampleGroups: ExampleGroup[] = [
  {
    title: 'Flows, as a hubble observe line',
    examples: [
      line('All drops', 'hubble observe --verdict DROPPED', 'In all namespaces, with the reason'),
      line(
        'Drops of one namespace, by policies only',
        'hubble observe --namespace pets --verdict DROPPED --drop-reason-desc POLICY_DENIED',
        'Denied by a policy or by its default deny'
      ),
      line(
        'Traffic to a workload',
        'hubble observe --to-workload store-front --not --from-workload load-generator',
        '--not leaves out flows that match the next flag'
      ),
      line(
        'A pair of pods',
        'hubble observe --from-pod pets/store-front --to-pod pets/order-service',
        'Pod names match by prefix'
      ),
      line('DNS questions and answers', 'hubble observe --protocol dns', 'Visible where a policy has DNS rules'),
      line('Failing HTTP requests', 'hubble observe --http-status 5+', 'Status 500 to 599'),
      line(
        'New connections to the world',
        'hubble observe --to-label reserved:world --tcp-flags SYN',
        'The first packets of connections'
      ),
      line('Traffic of an address range', 'hubble observe --ip 10.0.0.0/8', 'Source or destination'),
    ],
  },
  {
    title: 'Flow metrics',
    examples: [
      {
        title: 'Drop ratio by destination',
        meaning: 'Share of dropped flows over time; suits an alert rule',
        query: {
          queryType: 'flowMetrics',
          metric: 'dropRatio',
          groupBy: ['toWorkload'],
          format: 'time_series',
        } as Example['query'],
      },
      {
        title: 'Top talkers',
        meaning: 'Sources and destinations ranked by rate',
        query: {
          queryType: 'flowMetrics',
          metric: 'rate',
          groupBy: ['source', 'destination'],
          format: 'top',
        } as Example['query'],
      },
      {
        title: 'Drops by reason',
        meaning: 'Dropped flows over time, by reason',
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
        title: 'Connections between workloads',
        meaning: 'Workloads as nodes; drops are red',
        query: { queryType: 'serviceMap', by: 'workload' } as Example['query'],
      },
      {
        title: 'Drops between namespaces',
        meaning: 'Only connections with drops',
        query: { queryType: 'serviceMap', by: 'namespace', filter: { verdict: ['DROPPED'] } } as Example['query'],
      },
    ],
  },
  {
    title: 'PromQL',
    examples: [
      {
        title: 'Drops per second by reason',
        meaning: 'From Prometheus, which keeps data longer than Hubble',
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
