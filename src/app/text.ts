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
} as const;
