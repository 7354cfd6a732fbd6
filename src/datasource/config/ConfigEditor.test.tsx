import type { DataSourceSettings } from '@grafana/data';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';

import { testIds } from '../testIds';
import { text } from '../text';
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

test('an address is typed; one of http is refused with the reason', async () => {
  const user = userEvent.setup();
  render(<Page initial={{}} />);
  const address = screen.getByTestId(ids.address);
  await user.type(address, 'relay:4245');
  expect(stored.url).toBe('relay:4245');
  expect(screen.queryByText(text.config.relay.addressScheme)).not.toBeInTheDocument();
  await user.clear(address);
  await user.type(address, 'http://relay');
  expect(screen.getByText(text.config.relay.addressScheme)).toBeInTheDocument();
});

test('what belongs to TLS is asked only with TLS, on AKS with its server name', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ url: 'relay:443' }} />);
  expect(screen.queryByTestId(ids.serverName)).not.toBeInTheDocument();
  await user.click(screen.getByTestId(ids.tls));
  expect(stored.jsonData.tls).toBe(true);
  expect(screen.getByTestId(ids.serverName)).toHaveAttribute('placeholder', 'instance.hubble-relay.cilium.io');
  expect(screen.getByText(/On AKS: instance\.hubble-relay\.cilium\.io/)).toBeInTheDocument();
});

test('an address of tls:// turns TLS on by itself', () => {
  render(<Page initial={{ url: 'tls://relay:443' }} />);
  expect(screen.getByTestId(ids.tls)).toBeChecked();
  expect(screen.getByTestId(ids.tls)).toBeDisabled();
  expect(screen.getByTestId(ids.serverName)).toBeInTheDocument();
});

test('skipping verification is warned of', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ jsonData: { tls: true } }} />);
  expect(screen.queryByTestId(ids.skipVerifyWarning)).not.toBeInTheDocument();
  await user.click(screen.getByTestId(ids.skipVerify));
  expect(stored.jsonData.tlsSkipVerify).toBe(true);
  expect(screen.getByTestId(ids.skipVerifyWarning)).toBeInTheDocument();
});

test('secrets are written, never read, and taken back', async () => {
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
  await user.type(screen.getByTestId(ids.secret('tlsCACert')), 'PEM');
  expect(stored.secureJsonData).toEqual({ tlsCACert: 'PEM' });
  await user.click(screen.getByRole('button', { name: 'Reset' }));
  expect(stored.secureJsonFields.tlsClientKey).toBe(false);
  expect(stored.secureJsonData?.tlsClientKey).toBe('');
  expect(screen.getByTestId(ids.secret('tlsClientKey'))).toBeEnabled();
});

test('Prometheus is asked for what its authentication needs', async () => {
  const user = userEvent.setup();
  render(<Page initial={{}} />);
  await user.type(screen.getByTestId(ids.prometheusUrl), 'prometheus:9090');
  expect(screen.getByText(text.config.prometheus.urlScheme)).toBeInTheDocument();
  expect(screen.queryByTestId(ids.secret('prometheusToken'))).not.toBeInTheDocument();
  await user.click(screen.getByRole('radio', { name: text.config.prometheus.auths.bearer }));
  expect(stored.jsonData.prometheusAuth).toBe('bearer');
  await user.type(screen.getByTestId(ids.secret('prometheusToken')), 'token');
  expect(stored.secureJsonData).toEqual({ prometheusToken: 'token' });
  await user.click(screen.getByRole('radio', { name: text.config.prometheus.auths.basic }));
  await user.type(screen.getByTestId(ids.prometheusUser), 'ada');
  await user.type(screen.getByTestId(ids.secret('prometheusPassword')), 'pass');
  expect(stored.jsonData.prometheusUser).toBe('ada');
  expect(stored.secureJsonData).toEqual({ prometheusToken: 'token', prometheusPassword: 'pass' });
});

test('times are numbers of seconds; what is none is said and not kept', async () => {
  const user = userEvent.setup();
  render(<Page initial={{ jsonData: { requestTimeoutSecs: 30 } }} />);
  const timeout = screen.getByTestId(ids.requestTimeout);
  expect(timeout).toHaveValue(30);
  await user.clear(timeout);
  expect(stored.jsonData.requestTimeoutSecs).toBeUndefined();
  await user.type(timeout, '0');
  expect(screen.getByText(text.config.relay.timeoutError)).toBeInTheDocument();
  expect(stored.jsonData.requestTimeoutSecs).toBeUndefined();
  await user.clear(timeout);
  await user.type(timeout, '60');
  expect(stored.jsonData.requestTimeoutSecs).toBe(60);
  await user.type(screen.getByTestId(ids.scrapeInterval), 'often');
  expect(screen.getByText(text.config.prometheus.scrapeIntervalError)).toBeInTheDocument();
});

test('a provisioned source is not edited', () => {
  render(<Page initial={{ readOnly: true, url: 'relay:4245' }} />);
  expect(screen.getByTestId(ids.address)).toBeDisabled();
  expect(screen.getByTestId(ids.prometheusUrl)).toBeDisabled();
});
