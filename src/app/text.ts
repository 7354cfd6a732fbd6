/** The strings of the app's own page and of its link in panel menus. Sentence case. */
export const text = {
  loading: 'Loading…',
  what: 'Network flows of a Cilium cluster from Hubble Relay, beside the metrics in Prometheus.',
  sources: {
    title: 'Data sources',
    none: 'No Hubble data source has been added yet. It needs the address of Hubble Relay and, for metrics, a Prometheus.',
    add: 'Add a Hubble data source',
    configure: 'Settings',
    explore: 'Explore',
    exploreNamed: (name: string) => `Explore ${name}`,
    configureNamed: (name: string) => `Settings of ${name}`,
  },
  dashboards: {
    title: 'Dashboards',
    none: 'No provisioned dashboard has the tag k8s:network-observability.',
    failed: 'The list of dashboards could not be loaded.',
    all: 'All dashboards',
    loading: 'Loading dashboards…',
  },
  showFlows: {
    title: 'Show flows',
    description: 'Open Explore with the flows behind this panel’s metrics',
    filters: 'Filters',
    all: 'all flows',
    not: (condition: string) => `not ${condition}`,
    widened: 'Matched by prefix',
    unsupported: 'Not applied: Hubble has no filter for it',
    source: 'Data source',
    open: 'Open in Explore',
    nothing: 'The metrics of this panel do not count flows.',
  },
} as const;
