import type { DataSourceSettings } from '@grafana/data';
import { setDataSourceSrv, type DataSourceSrv } from '@grafana/runtime';
import { render, screen } from '@testing-library/react';
import userEvent, { type UserEvent } from '@testing-library/user-event';
import { useState } from 'react';

import { testIds } from '../testIds';
import { text } from './text';
import type { HubbleSecrets, HubbleSettings } from '../types';
import { ConfigEditor } from './ConfigEditor';

type Options = DataSourceSettings<HubbleSettings, HubbleSecrets>;

let stored: Options;
const store = (options: Options) => (stored = options);

function Page({ initial }: { initial: Partial<Options> }) {
  const [options, setOptions] = useState({ url: '', jsonData: {}, secureJsonFields: {}, ...initial } as Options);
  return (
    <ConfigEditor
      options={options}
      onOptionsChange={(changed) => {
        store(changed);
        setOptions(changed);
      }}
    />
  );
}

const ids = testIds.config;

/** At once: key by key takes a second a field. */
async function fill(user: UserEvent, testId: string, typed: string) {
  await user.click(screen.getByTestId(testId));
  await user.paste(typed);
}

test('an address with http:// shows an error', async () => {
  const user = userEvent.setup();
  render(<Page initial={{}} />);
  const address = screen.getByTestId(ids.address);
  await user.type(address, 'relay:4245');
  expect(stored.url).toBe('relay:4245');
  expect(screen.queryByText(text.relay.addressScheme)).not.toBeInTheDocument();
  await user.clear(address);
  await user.type(address, 'http://relay');
  expect(screen.getByText(text.relay.addressScheme)).toBeInTheDocument();
});

test('TLS settings show with TLS only, with the server name for AKS', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ url: 'relay:443' }} />);
  expect(screen.queryByTestId(ids.relayTls.serverName)).not.toBeInTheDocument();
  await user.click(screen.getByTestId(ids.tls));
  expect(stored.jsonData.tls).toBe(true);
  expect(screen.getByTestId(ids.relayTls.serverName)).toHaveAttribute('placeholder', 'instance.hubble-relay.cilium.io');
  expect(screen.getByText(/On AKS: instance\.hubble-relay\.cilium\.io/)).toBeInTheDocument();
});

test('an address of tls:// turns TLS on by itself', () => {
  render(<Page initial={{ url: 'tls://relay:443' }} />);
  expect(screen.getByTestId(ids.tls)).toBeChecked();
  expect(screen.getByTestId(ids.tls)).toBeDisabled();
  expect(screen.getByTestId(ids.relayTls.serverName)).toBeInTheDocument();
});

test('skipping certificate validation shows a warning', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ jsonData: { tls: true } }} />);
  expect(screen.queryByTestId(ids.relayTls.skipVerifyWarning)).not.toBeInTheDocument();
  await user.click(screen.getByTestId(ids.relayTls.skipVerify));
  expect(stored.jsonData.tlsSkipVerify).toBe(true);
  expect(screen.getByTestId(ids.relayTls.skipVerifyWarning)).toBeInTheDocument();
});

test('secrets can be set and reset, not read', async () => {
  const user = userEvent.setup();
  render(
    <Page
      initial={{
        jsonData: { tls: true, tlsAuth: true, tlsAuthWithCACert: true },
        secureJsonFields: { tlsClientKey: true },
      }}
    />
  );
  expect(screen.getByTestId(ids.secret('tlsClientKey'))).toBeDisabled();
  await fill(user, ids.secret('tlsCACert'), 'PEM');
  expect(stored.secureJsonData).toEqual({ tlsCACert: 'PEM' });
  await user.click(screen.getByRole('button', { name: 'Reset' }));
  expect(stored.secureJsonFields.tlsClientKey).toBe(false);
  expect(stored.secureJsonData?.tlsClientKey).toBe('');
  expect(screen.getByTestId(ids.secret('tlsClientKey'))).toBeEnabled();
});

test('each authentication method has its own fields', async () => {
  const user = userEvent.setup();
  render(<Page initial={{}} />);
  await fill(user, ids.prometheusUrl, 'prometheus:9090');
  expect(screen.getByText(text.prometheus.urlScheme)).toBeInTheDocument();
  expect(screen.queryByTestId(ids.secret('prometheusToken'))).not.toBeInTheDocument();
  await user.click(screen.getByRole('radio', { name: text.prometheus.auths.bearer }));
  expect(stored.jsonData.prometheusAuth).toBe('bearer');
  await fill(user, ids.secret('prometheusToken'), 'token');
  expect(stored.secureJsonData).toEqual({ prometheusToken: 'token' });
  await user.click(screen.getByRole('radio', { name: text.prometheus.auths.basic }));
  await fill(user, ids.prometheusUser, 'ada');
  await fill(user, ids.secret('prometheusPassword'), 'pass');
  expect(stored.jsonData.prometheusUser).toBe('ada');
  expect(stored.secureJsonData).toEqual({ prometheusToken: 'token', prometheusPassword: 'pass' });
});

test('timeouts are numbers of seconds; other values show an error and are not stored', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ jsonData: { requestTimeoutSecs: 30 } }} />);
  const timeout = screen.getByTestId(ids.requestTimeout);
  expect(timeout).toHaveValue(30);
  await user.clear(timeout);
  expect(stored.jsonData.requestTimeoutSecs).toBeUndefined();
  await user.type(timeout, '0');
  expect(screen.getByText(text.numberError(1, 600))).toBeInTheDocument();
  expect(stored.jsonData.requestTimeoutSecs).toBeUndefined();
  await user.clear(timeout);
  await user.type(timeout, '60');
  expect(stored.jsonData.requestTimeoutSecs).toBe(60);
  await fill(user, ids.scrapeInterval, 'often');
  expect(screen.getByText(text.limits.durationError)).toBeInTheDocument();
});

test('the completeness that alert rules need', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ jsonData: {} }} />);
  await user.click(screen.getByRole('button', { name: /Alert rules/ }));
  await fill(user, ids.alertsMaxLost, '0');
  expect(stored.jsonData).toEqual({ allowCelExpressions: false, alertsMaxLostPercent: 0 });
  await user.clear(screen.getByTestId(ids.alertsMaxLost));
  await fill(user, ids.alertsMaxLost, '101');
  expect(screen.getByText(text.numberError(0, 100))).toBeInTheDocument();
  await user.click(screen.getByTestId(ids.alertsCountIncomplete));
  expect(stored.jsonData.alertsCountIncomplete).toBe(true);
});

test('a new data source starts without CEL expressions, and others keep them', async () => {
  const user = userEvent.setup();
  const { unmount } = render(<Page initial={{}} />);
  expect(screen.getByTestId(ids.allowCel)).not.toBeChecked();
  await fill(user, ids.address, 'relay:4245');
  expect(stored.jsonData).toEqual({ allowCelExpressions: false });
  await user.click(screen.getByTestId(ids.allowCel));
  expect(stored.jsonData).toEqual({ allowCelExpressions: true });
  unmount();
  render(<Page initial={{ url: 'relay:4245' }} />);
  expect(screen.getByTestId(ids.allowCel)).toBeChecked();
  await fill(user, ids.cluster, 'aks');
  expect(stored.jsonData).toEqual({ cluster: 'aks' });
  await user.click(screen.getByTestId(ids.allowCel));
  expect(stored.jsonData).toEqual({ cluster: 'aks', allowCelExpressions: false });
});

test('a provisioned data source is read-only', () => {
  render(<Page initial={{ readOnly: true, url: 'relay:4245' }} />);
  expect(screen.getByTestId(ids.address)).toBeDisabled();
  expect(screen.getByTestId(ids.prometheusUrl)).toBeDisabled();
});

test('each kind of Entra ID authentication has its own fields, in every cloud', async () => {
  const user = userEvent.setup();
  render(<Page initial={{}} />);
  await user.click(screen.getByRole('radio', { name: text.prometheus.auths.azure }));
  await fill(user, ids.tenantId, 'tenant');
  await fill(user, ids.clientId, 'client');
  await fill(user, ids.secret('azureClientSecret'), 'hush');
  await user.click(screen.getByRole('radio', { name: text.azure.clouds.AzureUSGovernment }));
  expect(stored.jsonData).toMatchObject({
    prometheusAuth: 'azure',
    azureCredentials: {
      authType: 'clientsecret',
      azureCloud: 'AzureUSGovernment',
      tenantId: 'tenant',
      clientId: 'client',
    },
  });
  expect(stored.secureJsonData).toEqual({ azureClientSecret: 'hush' });
  expect(JSON.stringify(stored.jsonData)).not.toContain('hush');
  await user.click(screen.getByRole('radio', { name: text.azure.types.workloadidentity }));
  expect(screen.queryByTestId(ids.secret('azureClientSecret'))).not.toBeInTheDocument();
  expect(screen.getAllByText(text.azure.optional)).toHaveLength(2);
  await user.click(screen.getByRole('radio', { name: text.azure.types.msi }));
  expect(screen.queryByTestId(ids.tenantId)).not.toBeInTheDocument();
  expect(stored.jsonData.azureCredentials).toMatchObject({ authType: 'msi', tenantId: 'tenant' });
});

test('certificates belong to https', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ jsonData: { prometheusUrl: 'http://prometheus' } }} />);
  expect(screen.queryByTestId(ids.prometheusTls.serverName)).not.toBeInTheDocument();
  await user.clear(screen.getByTestId(ids.prometheusUrl));
  await fill(user, ids.prometheusUrl, 'https://prometheus');
  await fill(user, ids.prometheusTls.serverName, 'prom.test');
  await user.click(screen.getByTestId(ids.prometheusTls.ownCa));
  await fill(user, ids.secret('prometheusTlsCACert'), 'CA');
  await user.click(screen.getByTestId(ids.prometheusTls.clientCertificate));
  await fill(user, ids.secret('prometheusTlsClientCert'), 'CERT');
  await fill(user, ids.secret('prometheusTlsClientKey'), 'KEY');
  await user.click(screen.getByTestId(ids.prometheusTls.skipVerify));
  expect(screen.getByTestId(ids.prometheusTls.skipVerifyWarning)).toBeInTheDocument();
  expect(stored.jsonData).toEqual({
    prometheusUrl: 'https://prometheus',
    prometheusServerName: 'prom.test',
    prometheusTlsAuthWithCACert: true,
    prometheusTlsAuth: true,
    prometheusTlsSkipVerify: true,
  });
  expect(stored.secureJsonData).toEqual({
    prometheusTlsCACert: 'CA',
    prometheusTlsClientCert: 'CERT',
    prometheusTlsClientKey: 'KEY',
  });
});

test('headers are added, named and removed with their values', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ jsonData: { httpHeaderName2: 'X-Old' }, secureJsonFields: { httpHeaderValue2: true } }} />);
  expect(screen.getByTestId(ids.secret('httpHeaderValue2'))).toBeDisabled();
  await user.click(screen.getByTestId(ids.addHeader));
  await fill(user, ids.headerName(3), 'X Tenant');
  expect(screen.getByText(text.headers.nameError)).toBeInTheDocument();
  await user.clear(screen.getByTestId(ids.headerName(3)));
  await fill(user, ids.headerName(3), 'X-Scope-OrgID');
  await fill(user, ids.secret('httpHeaderValue3'), 'tenant-1');
  expect(stored.jsonData).toEqual({ httpHeaderName2: 'X-Old', httpHeaderName3: 'X-Scope-OrgID' });
  expect(stored.secureJsonData).toEqual({ httpHeaderValue3: 'tenant-1' });
  await user.click(screen.getByTestId(ids.removeHeader(2)));
  expect(stored.jsonData).toEqual({ httpHeaderName3: 'X-Scope-OrgID' });
  expect(stored.secureJsonFields.httpHeaderValue2).toBe(false);
  expect(stored.secureJsonData).toEqual({ httpHeaderValue2: '', httpHeaderValue3: 'tenant-1' });
});

test('limits, parameters and forwarded identity', async () => {
  const user = userEvent.setup();
  render(<Page initial={{}} />);
  await fill(user, ids.seriesLimit, '0');
  await fill(user, ids.responseLimit, '128');
  await fill(user, ids.queryTimeout, '1m');
  await fill(user, ids.customQueryParameters, 'dedup');
  expect(screen.getByText(text.limits.parametersError)).toBeInTheDocument();
  await fill(user, ids.customQueryParameters, '=true');
  expect(screen.queryByText(text.limits.parametersError)).not.toBeInTheDocument();
  await user.click(screen.getByTestId(ids.forwardIdentity));
  expect(stored.jsonData).toEqual({
    allowCelExpressions: false,
    seriesLimit: 0,
    prometheusResponseLimitMib: 128,
    queryTimeout: '1m',
    customQueryParameters: 'dedup=true',
    oauthPassThru: true,
  });
  await fill(user, ids.responseLimit, '0');
  expect(screen.getByText(text.numberError(1, 512))).toBeInTheDocument();
  expect(stored.jsonData.prometheusResponseLimitMib).toBe(128);
});

test('another data source answers PromQL, and alert rules keep a URL', async () => {
  setDataSourceSrv({
    getList: () => [],
    getInstanceSettings: () => undefined,
  } as unknown as DataSourceSrv);
  const user = userEvent.setup();
  render(<Page initial={{}} />);
  await user.click(screen.getByRole('radio', { name: text.prometheus.modes.datasource }));
  expect(stored.jsonData.prometheusDatasourceUid).toBe('');
  expect(screen.getByTestId(ids.prometheusDatasource)).toBeInTheDocument();
  expect(screen.getByTestId(ids.delegationAlert)).toHaveTextContent(text.prometheus.alertsText);
  expect(screen.getByText(text.prometheus.urlForAlerts)).toBeInTheDocument();
  expect(screen.queryByRole('radio', { name: text.prometheus.auths.basic })).not.toBeInTheDocument();
  await fill(user, ids.prometheusUrl, 'http://prometheus');
  expect(screen.getByRole('radio', { name: text.prometheus.auths.basic })).toBeInTheDocument();
  await user.click(screen.getByRole('radio', { name: text.prometheus.modes.url }));
  expect(stored.jsonData.prometheusDatasourceUid).toBeUndefined();
});

test('policies come from a folder or a text; an invalid folder shows an error', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ jsonData: { policiesFolder: '/etc/policies' } }} />);
  const folder = screen.getByTestId(ids.policiesFolder);
  expect(folder).toHaveValue('/etc/policies');
  await user.type(folder, '/../secret');
  expect(screen.getByText(text.policies.folderParent)).toBeInTheDocument();
  await user.clear(folder);
  await user.type(folder, 'etc');
  expect(screen.getByText(text.policies.folderRelative)).toBeInTheDocument();
  await user.clear(folder);
  await user.click(screen.getByTestId(ids.policiesText));
  await user.paste('kind: NetworkPolicy');
  const namespace = screen.getByTestId(ids.policiesNamespace);
  await user.type(namespace, 'Pets');
  expect(screen.getByText(text.policies.namespaceInvalid)).toBeInTheDocument();
  await user.clear(namespace);
  await user.type(namespace, 'pets');
  expect(screen.queryByText(text.policies.namespaceInvalid)).not.toBeInTheDocument();
  expect(stored.jsonData).toEqual({
    policiesFolder: '',
    policiesNamespace: 'pets',
    policiesText: 'kind: NetworkPolicy',
  });
});

test('each way to a cluster has its own fields', async () => {
  const user = userEvent.setup();
  render(<Page initial={{}} />);
  const choose = (access: keyof typeof text.kubernetes.accesses) =>
    user.click(screen.getByRole('radio', { name: text.kubernetes.accesses[access] }));
  const fields = () => ({
    url: screen.queryByTestId(ids.kubernetesUrl) !== null,
    token: screen.queryByTestId(ids.secret('kubernetesToken')) !== null,
    kubeconfig: screen.queryByTestId(ids.secret('kubernetesKubeconfig')) !== null,
    identity: screen.queryByTestId(ids.clientId) !== null,
  });
  const none = { url: false, token: false, kubeconfig: false, identity: false };
  expect(fields()).toEqual(none);
  await choose('serviceaccount');
  expect(fields()).toEqual(none);
  expect(screen.getByText(/allow_service_account = true/)).toBeInTheDocument();
  await choose('kubeconfig');
  expect(fields()).toEqual({ ...none, kubeconfig: true });
  await fill(user, ids.secret('kubernetesKubeconfig'), 'kind: Config');
  expect(stored.secureJsonData).toEqual({ kubernetesKubeconfig: 'kind: Config' });
  await choose('azure');
  expect(fields()).toEqual({ ...none, url: true, identity: true });
  await choose('token');
  expect(fields()).toEqual({ ...none, url: true, token: true });
  await fill(user, ids.kubernetesUrl, 'http://api.example');
  expect(screen.getByText(text.kubernetes.urlScheme)).toBeInTheDocument();
  await user.clear(screen.getByTestId(ids.kubernetesUrl));
  await fill(user, ids.kubernetesUrl, 'http://localhost:8001');
  expect(screen.queryByText(text.kubernetes.urlScheme)).not.toBeInTheDocument();
  await user.click(screen.getByTestId(ids.kubernetesSkipVerify));
  expect(screen.getByTestId(ids.kubernetesSkipVerifyWarning)).toBeInTheDocument();
  expect(stored.jsonData).toEqual({
    allowCelExpressions: false,
    kubernetesAccess: 'token',
    kubernetesUrl: 'http://localhost:8001',
    kubernetesTlsSkipVerify: true,
  });
});

test('the identity of Azure is entered once for Prometheus and the cluster', () => {
  const jsonData = { prometheusUrl: 'https://prom', prometheusAuth: 'azure', kubernetesAccess: 'azure' } as const;
  render(<Page initial={{ jsonData }} />);
  expect(screen.getAllByTestId(ids.clientId)).toHaveLength(1);
});
