/** The strings of the data source's settings page. Sentence case; words as in Grafana's own settings. */
export const text = {
  numberError: (min: number, max: number) =>
    `Enter a whole number from ${min.toLocaleString('en')} to ${max.toLocaleString('en')}`,
  relay: {
    title: 'Hubble Relay',
    description: 'The source of flows. The Grafana server connects to it, not the browser.',
    address: 'Address',
    addressHint: 'host:port, or tls://host:port',
    addressPlaceholder: 'hubble-relay.kube-system.svc.cluster.local:80',
    addressScheme: 'Hubble Relay speaks gRPC, not HTTP: enter host:port or tls://host:port.',
    tls: 'TLS',
    tlsHint: 'Encrypt the connection. Required where the relay requests a client certificate.',
    cluster: 'Cluster name',
    clusterHint:
      'The cluster’s name in your metrics: the value of their label cluster. Required for links from metrics to flows where Cilium uses another name; on AKS that is often default.',
    connectTimeout: 'Connect timeout',
    connectTimeoutHint: 'Time limit for connecting to the relay, in seconds',
    requestTimeout: 'Request timeout',
    requestTimeoutHint: 'Time limit for a query to the relay or to Prometheus, in seconds',
    allowCel: 'Allow CEL expressions',
    allowCelHint:
      'Queries may hold CEL expressions. The Cilium agent of every node evaluates them for every flow, and everyone who can query this data source can write them.',
  },
  /** Labels as in Grafana's own TLS settings. */
  tls: {
    serverName: 'Server name',
    ownCa: 'Add self-signed certificate',
    ownCaHint: 'Trust your own certificate authority instead of those of the Grafana server',
    ca: 'CA certificate',
    clientAuthentication: 'TLS client authentication',
    clientCertificate: 'Client certificate',
    clientKey: 'Client key',
    pemCertificate: 'Begins with -----BEGIN CERTIFICATE-----',
    pemKey: 'Begins with -----BEGIN PRIVATE KEY-----',
    skipVerify: 'Skip TLS certificate validation',
    skipVerifyHint: 'For tests only',
  },
  relayTls: {
    serverNameHint:
      'The name in the relay’s certificate, if it differs from the host in the address. On AKS: instance.hubble-relay.cilium.io',
    serverNamePlaceholder: 'instance.hubble-relay.cilium.io',
    clientCertificateHint: 'Send a client certificate to the relay (mTLS)',
    skipVerifyWarning: 'The relay’s certificate is not validated',
    skipVerifyWarningText:
      'Anyone between Grafana and the relay can read and forge flows. Enter the CA certificate and the server name instead.',
  },
  alertRules: {
    title: 'Alert rules',
    description:
      'Alert rules about flows. Nobody reads the notices of an alert rule: with a missing node, a broken or cut answer, or too many lost events the rule ends in the state Error.',
    maxLost: 'Maximum lost events',
    maxLostHint: 'Share of a node’s events in the time range that may be lost, in percent',
    countIncomplete: 'Count incomplete answers',
    countIncompleteHint: 'Evaluate alert rules over incomplete answers. Their numbers are then lower bounds.',
  },
  policies: {
    title: 'Network policies',
    description:
      'The flows panel compares flows with these policies: which rule decided, and where flows and policies differ. CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, NetworkPolicy and ClusterNetworkPolicy, as YAML or JSON. Everyone who can query this data source can read them.',
    folder: 'Folder',
    folderHint:
      'Path on the Grafana server. Its *.yaml, *.yml and *.json files are read for every query. The path must be below a folder listed in policy_roots, in the section [plugin.k8snet-hubble-datasource] of Grafana’s configuration.',
    folderPlaceholder: '/etc/policies',
    folderRelative: 'Enter an absolute path, which begins with /',
    folderParent: 'Enter a path without ..',
    namespace: 'Default namespace',
    namespaceHint:
      'Namespace of policies without one, like kubectl apply -n. If empty, the namespace default is used, with a warning.',
    namespacePlaceholder: 'default',
    namespaceInvalid: 'Use lower-case letters, digits and hyphens, 63 characters at most',
    text: 'Policies',
    textHint:
      'Used together with the cluster and the folder. A policy here or in the folder replaces that of the cluster with the same name. Separate documents by ---',
    textPlaceholder: 'apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n…',
  },
  kubernetes: {
    access: 'Policies of a cluster',
    accesses: {
      none: 'None',
      serviceaccount: 'Grafana’s service account',
      kubeconfig: 'Kubeconfig',
      token: 'URL and token',
      azure: 'AKS with Entra ID',
    },
    accessHints: {
      none: 'Only the folder and the text below are used.',
      serviceaccount:
        'The cluster in which Grafana runs. The account of its pod needs the rights in provisioning/kubernetes/policies.yaml, and allow_service_account = true in the section [plugin.k8snet-hubble-datasource] of Grafana’s configuration.',
      kubeconfig:
        'A kubeconfig that holds all that it needs (kubectl config view --raw --flatten --minify), with a token or a client certificate. It runs no program and reads no file on the Grafana server.',
      token:
        'The token of an account with the rights in provisioning/kubernetes/policies.yaml: kubectl -n k8snet create token k8snet-policies --duration=8760h',
      azure: 'An AKS cluster with Microsoft Entra ID. The identity is the same as for Prometheus.',
    },
    url: 'API server',
    urlHint:
      'The Grafana server connects to it, not the browser. It lists and watches policies and what they refer to.',
    urlPlaceholder: 'https://my-cluster.hcp.westeurope.azmk8s.io:443',
    urlScheme: 'Enter a URL that begins with https://',
    kubeconfig: 'Kubeconfig',
    kubeconfigPlaceholder: 'apiVersion: v1\nkind: Config\n…',
    token: 'Token',
    ca: 'CA certificate',
    serverNameHint: 'The name in the API server’s certificate, if it differs from the host in the URL',
    skipVerifyWarning: 'The API server’s certificate is not validated',
    skipVerifyWarningText:
      'Anyone between Grafana and the API server can read the token and forge policies. Enter the CA certificate instead.',
    azureRole:
      'The identity needs the rights in provisioning/kubernetes/policies.yaml, or the role Azure Kubernetes Service RBAC Reader.',
  },
  prometheus: {
    title: 'Prometheus',
    description: 'The source of metrics. Optional: without it the data source answers flow queries only.',
    mode: 'PromQL is answered by',
    modes: { url: 'A Prometheus URL', datasource: 'Another data source' },
    modeHints: {
      url: 'The backend of this data source queries Prometheus itself',
      datasource:
        'Panels, Explore and variables use a Prometheus data source of this Grafana, with its authentication and cache',
    },
    datasource: 'Prometheus data source',
    datasourceHint: 'Users of this data source also need permission to query that one',
    datasourcePlaceholder: 'Select data source',
    alertsTitle: 'Alert rules cannot use another data source',
    alertsText:
      'Alert rules run in the backend, which has no access to other data sources. For PromQL in alert rules, enter the URL below, or create those rules on the Prometheus data source.',
    url: 'URL',
    urlForAlerts: 'URL for alert rules',
    urlHint: 'The Grafana server connects to it, not the browser. /api/v1/… is appended.',
    urlPlaceholder: 'http://prometheus.monitoring.svc:9090',
    urlScheme: 'Enter a URL that begins with http:// or https://',
    auth: 'Authentication',
    auths: {
      none: 'No authentication',
      basic: 'Basic authentication',
      bearer: 'Bearer token',
      azure: 'Microsoft Entra ID',
    },
    user: 'User',
    password: 'Password',
    token: 'Token',
    forward: 'Forward OAuth identity',
    forwardHint:
      'Send the OAuth tokens of the signed-in user to Prometheus instead of the authentication above. Alert rules have no user and keep the authentication above.',
  },
  azure: {
    type: 'Authentication with Microsoft Entra ID',
    types: {
      clientsecret: 'App registration',
      workloadidentity: 'Workload identity',
      msi: 'Managed identity',
    },
    typeHints: {
      clientsecret: 'An app registration with a client secret',
      workloadidentity:
        'The service account of Grafana’s pod. AKS provides tenant, client and token file in the environment.',
      msi: 'The managed identity of the Grafana server',
    },
    cloud: 'Azure cloud',
    clouds: { AzureCloud: 'Azure', AzureUSGovernment: 'Azure US Government', AzureChinaCloud: 'Azure China' },
    tenant: 'Directory (tenant) ID',
    client: 'Application (client) ID',
    optional: 'Optional: the default is the value in the environment',
    optionalMsi: 'Optional: selects one of several identities',
    secret: 'Client secret',
    role: 'The identity needs the role Monitoring Data Reader on the Azure Monitor workspace.',
  },
  prometheusTls: {
    title: 'TLS settings',
    clientCertificateHint: 'Send a client certificate to Prometheus (mTLS)',
    serverNameHint: 'The name in Prometheus’ certificate, if it differs from the host in the URL',
    skipVerifyWarning: 'Prometheus’ certificate is not validated',
    skipVerifyWarningText:
      'Anyone between Grafana and Prometheus can read the credentials and forge metrics. Enter the CA certificate and the server name instead.',
  },
  headers: {
    title: 'HTTP headers',
    description: 'Sent with every request to Prometheus, such as X-Scope-OrgID. Values are stored encrypted.',
    add: 'Add header',
    name: 'Header',
    nameError: 'Use letters, digits, - and _ only',
    value: 'Value',
    remove: (name: string) => `Remove header ${name || 'without a name'}`,
  },
  limits: {
    title: 'Queries and limits',
    scrapeInterval: 'Scrape interval',
    scrapeIntervalHint:
      'The scrape interval in Prometheus’ configuration. $__rate_interval is at least four times as long.',
    durationError: 'Enter a duration such as 15s or 1m',
    httpMethod: 'HTTP method',
    httpMethodHint: 'POST is recommended. Use GET where POST requests are blocked.',
    parameters: 'Custom query parameters',
    parametersHint: 'Added to the URL of every request, such as max_source_resolution=5m&dedup=true',
    parametersError: 'Enter name=value&other=value',
    queryTimeout: 'Query timeout',
    queryTimeoutHint: 'Time limit of a query within Prometheus, sent as its parameter timeout',
    seriesLimit: 'Series limit',
    seriesLimitHint: 'Maximum number of names, values and series for variables and editors; 0 means no limit',
    responseLimit: 'Response limit',
    responseLimitHint: 'Maximum size of a response, uncompressed. A larger response fails its query only.',
  },
} as const;
