import { Alert, FieldSet } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from '../text';
import { SecretField } from './SecretField';
import type { Settings } from './settings';
import { TextField } from './TextField';
import { Toggle } from './Toggle';

const shared = text.config.relay;
const words = text.config.prometheusTls;

/** Certificates towards Prometheus; that TLS is used, its URL says. */
export function PrometheusTls({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  return (
    <FieldSet label={words.title}>
      <TextField
        label={shared.serverName}
        hint={words.serverNameHint}
        value={plain.prometheusServerName}
        disabled={readOnly}
        onChange={(prometheusServerName) => settings.set({ prometheusServerName })}
        testId={testIds.config.prometheusServerName}
      />
      <Toggle
        label={shared.ownCa}
        hint={words.ownCaHint}
        value={plain.prometheusTlsAuthWithCACert ?? false}
        disabled={readOnly}
        onChange={(prometheusTlsAuthWithCACert) => settings.set({ prometheusTlsAuthWithCACert })}
        testId={testIds.config.prometheusOwnCa}
      />
      {plain.prometheusTlsAuthWithCACert && (
        <SecretField
          settings={settings}
          name="prometheusTlsCACert"
          label={shared.ca}
          placeholder={shared.pemCertificate}
          multiline
        />
      )}
      <Toggle
        label={shared.clientCertificate}
        hint={words.clientCertificateHint}
        value={plain.prometheusTlsAuth ?? false}
        disabled={readOnly}
        onChange={(prometheusTlsAuth) => settings.set({ prometheusTlsAuth })}
        testId={testIds.config.prometheusClientCertificate}
      />
      {plain.prometheusTlsAuth && (
        <>
          <SecretField
            settings={settings}
            name="prometheusTlsClientCert"
            label={shared.certificate}
            placeholder={shared.pemCertificate}
            multiline
          />
          <SecretField
            settings={settings}
            name="prometheusTlsClientKey"
            label={shared.key}
            placeholder={shared.pemKey}
            multiline
          />
        </>
      )}
      <Toggle
        label={shared.skipVerify}
        hint={shared.skipVerifyHint}
        value={plain.prometheusTlsSkipVerify ?? false}
        disabled={readOnly}
        onChange={(prometheusTlsSkipVerify) => settings.set({ prometheusTlsSkipVerify })}
        testId={testIds.config.prometheusSkipVerify}
      />
      {plain.prometheusTlsSkipVerify && (
        <Alert
          severity="warning"
          title={words.skipVerifyWarning}
          data-testid={testIds.config.prometheusSkipVerifyWarning}
        >
          {words.skipVerifyWarningText}
        </Alert>
      )}
    </FieldSet>
  );
}
