import type { DataSourceJsonData } from '@grafana/data';

export type PrometheusAuth = 'none' | 'basic' | 'bearer';

/** Settings that may be read in the browser. */
export interface HubbleSettings extends DataSourceJsonData {
  tls?: boolean;
  tlsSkipVerify?: boolean;
  serverName?: string;
  /** With a client certificate. */
  tlsAuth?: boolean;
  tlsAuthWithCACert?: boolean;
  prometheusUrl?: string;
  prometheusAuth?: PrometheusAuth;
  prometheusUser?: string;
  /** How often Prometheus scrapes: `15s`. */
  timeInterval?: string;
  httpMethod?: 'POST' | 'GET';
  connectTimeoutSecs?: number;
  requestTimeoutSecs?: number;
  cluster?: string;
}

/** Settings that only the backend reads. */
export interface HubbleSecrets {
  tlsCACert?: string;
  tlsClientCert?: string;
  tlsClientKey?: string;
  prometheusPassword?: string;
  prometheusToken?: string;
}

export type SecretName = keyof HubbleSecrets;
