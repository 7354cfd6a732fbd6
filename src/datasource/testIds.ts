import type { SecretName } from './types';

/** Every `data-testid` of the data source's editors, in one place. */
export const testIds = {
  queryEditor: 'hubble query-editor',
  run: 'hubble run-query',
  filterRow: (field: string) => `hubble filter ${field}`,
  filterValues: (field: string) => `hubble filter-values ${field}`,
  addFilter: 'hubble add-filter',
  limit: 'hubble limit',
  expression: 'hubble expression',
  legend: 'hubble legend',
  minStep: 'hubble min-step',
  variableQuery: 'hubble variable-query',
  config: {
    address: 'hubble config address',
    tls: 'hubble config tls',
    ownCa: 'hubble config own-ca',
    clientCertificate: 'hubble config client-certificate',
    serverName: 'hubble config server-name',
    skipVerify: 'hubble config skip-verify',
    skipVerifyWarning: 'hubble config skip-verify-warning',
    cluster: 'hubble config cluster',
    connectTimeout: 'hubble config connect-timeout',
    requestTimeout: 'hubble config request-timeout',
    prometheusUrl: 'hubble config prometheus-url',
    prometheusUser: 'hubble config prometheus-user',
    scrapeInterval: 'hubble config scrape-interval',
    secret: (name: SecretName) => `hubble config secret ${name}`,
  },
} as const;
