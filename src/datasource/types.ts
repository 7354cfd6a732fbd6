import type { DataSourceJsonData } from '@grafana/data';

export type PrometheusAuth = 'none' | 'basic' | 'bearer' | 'azure';

export type AzureAuthType = 'clientsecret' | 'workloadidentity' | 'msi';

export type AzureCloud = 'AzureCloud' | 'AzureUSGovernment' | 'AzureChinaCloud';

/** As Grafana's Azure data sources store them. */
export interface AzureCredentials {
  authType?: AzureAuthType;
  azureCloud?: AzureCloud;
  tenantId?: string;
  clientId?: string;
}

/** Settings that may be read in the browser. */
export interface HubbleSettings extends DataSourceJsonData {
  tls?: boolean;
  tlsSkipVerify?: boolean;
  serverName?: string;
  /** With a client certificate. */
  tlsAuth?: boolean;
  tlsAuthWithCACert?: boolean;
  /** The data source of Grafana that PromQL is handed to; empty while none is chosen. */
  prometheusDatasourceUid?: string;
  prometheusUrl?: string;
  prometheusAuth?: PrometheusAuth;
  prometheusUser?: string;
  azureCredentials?: AzureCredentials;
  /** Sends the tokens of the user who asks. */
  oauthPassThru?: boolean;
  prometheusTlsAuth?: boolean;
  prometheusTlsAuthWithCACert?: boolean;
  prometheusServerName?: string;
  prometheusTlsSkipVerify?: boolean;
  /** Names of custom headers, numbered from 1, as Grafana stores them. */
  [header: `httpHeaderName${number}`]: string | undefined;
  /** How often Prometheus scrapes: `15s`. */
  timeInterval?: string;
  httpMethod?: 'POST' | 'GET';
  customQueryParameters?: string;
  queryTimeout?: string;
  seriesLimit?: number;
  prometheusResponseLimitMib?: number;
  connectTimeoutSecs?: number;
  requestTimeoutSecs?: number;
  cluster?: string;
  /** Network policies as YAML or JSON. */
  policiesText?: string;
  /** An absolute path on Grafana's machine. */
  policiesFolder?: string;
  /** The namespace of policies that name none, as `kubectl apply -n` gives it. */
  policiesNamespace?: string;
}

/** Settings that only the backend reads. */
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
  /** Values of custom headers, numbered as their names. */
  [header: `httpHeaderValue${number}`]: string | undefined;
}

export type SecretName = keyof HubbleSecrets;
