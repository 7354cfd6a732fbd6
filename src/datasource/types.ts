import type { DataSourceJsonData } from '@grafana/data';

export type PrometheusAuth = 'none' | 'basic' | 'bearer' | 'azure';

export type AzureAuthType = 'clientsecret' | 'workloadidentity' | 'msi';

export type AzureCloud = 'AzureCloud' | 'AzureUSGovernment' | 'AzureChinaCloud';

/** Azure credentials in the form of Grafana's Azure data sources. */
export interface AzureCredentials {
  authType?: AzureAuthType;
  azureCloud?: AzureCloud;
  tenantId?: string;
  clientId?: string;
}

/** The way to the API server whose own policies are used. */
export type KubernetesAccess = 'none' | 'serviceaccount' | 'kubeconfig' | 'token' | 'azure';

/** Settings that the browser can read. */
export interface HubbleSettings extends DataSourceJsonData {
  tls?: boolean;
  tlsSkipVerify?: boolean;
  serverName?: string;
  /** Whether to send a client certificate. */
  tlsAuth?: boolean;
  tlsAuthWithCACert?: boolean;
  /** uid of the Prometheus data source that answers PromQL; empty while none is selected. */
  prometheusDatasourceUid?: string;
  prometheusUrl?: string;
  prometheusAuth?: PrometheusAuth;
  prometheusUser?: string;
  azureCredentials?: AzureCredentials;
  /** Forwards the OAuth tokens of the signed-in user. */
  oauthPassThru?: boolean;
  prometheusTlsAuth?: boolean;
  prometheusTlsAuthWithCACert?: boolean;
  prometheusServerName?: string;
  prometheusTlsSkipVerify?: boolean;
  /** Names of HTTP headers, numbered from 1 as in Grafana. */
  [header: `httpHeaderName${number}`]: string | undefined;
  /** Prometheus' scrape interval, such as `15s`. */
  timeInterval?: string;
  httpMethod?: 'POST' | 'GET';
  customQueryParameters?: string;
  queryTimeout?: string;
  seriesLimit?: number;
  prometheusResponseLimitMib?: number;
  connectTimeoutSecs?: number;
  requestTimeoutSecs?: number;
  cluster?: string;
  /** Share of lost events, in percent, above which an alert rule about flows fails. */
  alertsMaxLostPercent?: number;
  /** Whether alert rules about flows are evaluated over incomplete answers. */
  alertsCountIncomplete?: boolean;
  /** Whether queries may hold CEL expressions; absent in sources from before the setting, which may. */
  allowCelExpressions?: boolean;
  /** Network policies as YAML or JSON. */
  policiesText?: string;
  /** An absolute path on the Grafana server. */
  policiesFolder?: string;
  /** The namespace of policies without one, like `kubectl apply -n`. */
  policiesNamespace?: string;
  kubernetesAccess?: KubernetesAccess;
  /** Base URL of the API server, for a token or Microsoft Entra ID. */
  kubernetesUrl?: string;
  kubernetesServerName?: string;
  kubernetesTlsSkipVerify?: boolean;
}

/** Secrets, which only the backend can read. */
export interface HubbleSecrets {
  tlsCACert?: string;
  tlsClientCert?: string;
  tlsClientKey?: string;
  prometheusPassword?: string;
  prometheusToken?: string;
  prometheusTlsCACert?: string;
  prometheusTlsClientCert?: string;
  prometheusTlsClientKey?: string;
  azureClientSecret?: string;
  kubernetesKubeconfig?: string;
  kubernetesToken?: string;
  kubernetesCACert?: string;
  /** Values of HTTP headers, by the numbers of their names. */
  [header: `httpHeaderValue${number}`]: string | undefined;
}

export type SecretName = keyof HubbleSecrets;
