/** Every string of the app's own page, in one place. Sentence case. */
export const text = {
  loading: 'Loading…',
  title: 'Kubernetes network flows',
  what: 'Flows of a Cilium cluster as Hubble Relay sees them, beside the metrics that Prometheus keeps of them.',
  sources: {
    title: 'Data sources',
    none: 'No Hubble data source is set up yet. It needs the address of Hubble Relay, and that of Prometheus for metrics.',
    add: 'Add a Hubble data source',
    configure: 'Settings',
    explore: 'Explore',
    exploreNamed: (name: string) => `Explore ${name}`,
    configureNamed: (name: string) => `Settings of ${name}`,
  },
  dashboards: {
    title: 'Dashboards',
    none: 'No dashboard with the tag k8s:network-observability is provisioned.',
    failed: 'The dashboards could not be listed.',
    all: 'All dashboards',
    loading: 'Looking for dashboards…',
  },
  showFlows: {
    title: 'Show flows',
    description: 'Open Explore with the flows that this panel counts',
    asked: 'Flows that will be shown',
    all: 'all',
    not: (condition: string) => `not ${condition}`,
    widened: 'Asked for by the beginning of a name',
    left: 'Not asked for, as no filter of Hubble says it',
    source: 'Data source',
    open: 'Open in Explore',
    nothing: 'No flows stand behind the metrics of this panel.',
  },
} as const;
