import { Alert } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from './text';
import type { SecretName } from '../types';
import { SecretField } from './SecretField';
import type { FieldName, Settings } from './settings';
import { TextField } from './TextField';
import { Toggle } from './Toggle';

const common = text.tls;

/** The settings of one TLS connection: to Hubble Relay or to Prometheus. */
interface TlsConnection {
  serverName: FieldName<string>;
  withCa: FieldName<boolean>;
  withClientCertificate: FieldName<boolean>;
  skipVerify: FieldName<boolean>;
  ca: SecretName;
  clientCertificate: SecretName;
  clientKey: SecretName;
  words: {
    serverNameHint: string;
    serverNamePlaceholder?: string;
    clientCertificateHint: string;
    skipVerifyWarning: string;
    skipVerifyWarningText: string;
  };
  testIds: Record<'serverName' | 'ownCa' | 'clientCertificate' | 'skipVerify' | 'skipVerifyWarning', string>;
}

export const relayTls: TlsConnection = {
  serverName: 'serverName',
  withCa: 'tlsAuthWithCACert',
  withClientCertificate: 'tlsAuth',
  skipVerify: 'tlsSkipVerify',
  ca: 'tlsCACert',
  clientCertificate: 'tlsClientCert',
  clientKey: 'tlsClientKey',
  words: text.relayTls,
  testIds: testIds.config.relayTls,
};

export const prometheusTls: TlsConnection = {
  serverName: 'prometheusServerName',
  withCa: 'prometheusTlsAuthWithCACert',
  withClientCertificate: 'prometheusTlsAuth',
  skipVerify: 'prometheusTlsSkipVerify',
  ca: 'prometheusTlsCACert',
  clientCertificate: 'prometheusTlsClientCert',
  clientKey: 'prometheusTlsClientKey',
  words: text.prometheusTls,
  testIds: testIds.config.prometheusTls,
};

/**
 * Server name, own certificate authority, client certificate and the switch that turns verification off. Not `Auth` of
 * `@grafana/plugin-ui` (17 KB): it takes a server name only beside a client certificate, which a relay with an
 * authority of its own does not need.
 */
export function TlsFields({ settings, connection }: { settings: Settings; connection: TlsConnection }) {
  const { words, testIds } = connection;
  const withCa = settings.field(connection.withCa);
  const withClientCertificate = settings.field(connection.withClientCertificate);
  const skipVerify = settings.field(connection.skipVerify);
  return (
    <>
      <TextField
        {...settings.field(connection.serverName)}
        label={common.serverName}
        description={words.serverNameHint}
        placeholder={words.serverNamePlaceholder}
        testId={testIds.serverName}
      />
      <Toggle {...withCa} label={common.ownCa} description={common.ownCaHint} testId={testIds.ownCa} />
      {withCa.value && (
        <SecretField
          settings={settings}
          name={connection.ca}
          label={common.ca}
          placeholder={common.pemCertificate}
          multiline
        />
      )}
      <Toggle
        {...withClientCertificate}
        label={common.clientAuthentication}
        description={words.clientCertificateHint}
        testId={testIds.clientCertificate}
      />
      {withClientCertificate.value && (
        <>
          <SecretField
            settings={settings}
            name={connection.clientCertificate}
            label={common.clientCertificate}
            placeholder={common.pemCertificate}
            multiline
          />
          <SecretField
            settings={settings}
            name={connection.clientKey}
            label={common.clientKey}
            placeholder={common.pemKey}
            multiline
          />
        </>
      )}
      <Toggle
        {...skipVerify}
        label={common.skipVerify}
        description={common.skipVerifyHint}
        testId={testIds.skipVerify}
      />
      {skipVerify.value && (
        <Alert severity="warning" title={words.skipVerifyWarning} data-testid={testIds.skipVerifyWarning}>
          {words.skipVerifyWarningText}
        </Alert>
      )}
    </>
  );
}
