import { Alert, Field, FieldSet, Input } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from '../text';
import { NumberField } from './NumberField';
import { SecretField } from './SecretField';
import { maxTimeoutSecs, usesTls, type Settings } from './settings';
import { Toggle } from './Toggle';

const words = text.config.relay;
const width = 60;

export function RelaySection({ settings }: { settings: Settings }) {
  const { plain, address, readOnly } = settings;
  const isHttp = /^https?:\/\//i.test(address.trim());
  const tlsByAddress = address.trim().toLowerCase().startsWith('tls://');
  return (
    <FieldSet label={words.title}>
      <p>{words.description}</p>
      <Field
        label={words.address}
        description={words.addressHint}
        required
        invalid={isHttp}
        error={isHttp ? words.addressScheme : undefined}
        disabled={readOnly}
      >
        <Input
          id="hubble-relay-address"
          width={width}
          value={address}
          placeholder={words.addressPlaceholder}
          onChange={(event) => settings.setAddress(event.currentTarget.value)}
          spellCheck={false}
          data-testid={testIds.config.address}
        />
      </Field>
      <Toggle
        label={words.tls}
        hint={words.tlsHint}
        value={usesTls(settings)}
        disabled={readOnly || tlsByAddress}
        onChange={(tls) => settings.set({ tls })}
        testId={testIds.config.tls}
      />
      {usesTls(settings) && <TlsFields settings={settings} />}
      <NumberField
        label={words.connectTimeout}
        hint={words.connectTimeoutHint}
        placeholder="5"
        max={maxTimeoutSecs}
        unit="s"
        value={plain.connectTimeoutSecs}
        disabled={readOnly}
        onChange={(connectTimeoutSecs) => settings.set({ connectTimeoutSecs })}
        testId={testIds.config.connectTimeout}
      />
      <NumberField
        label={words.requestTimeout}
        hint={words.requestTimeoutHint}
        placeholder="30"
        max={maxTimeoutSecs}
        unit="s"
        value={plain.requestTimeoutSecs}
        disabled={readOnly}
        onChange={(requestTimeoutSecs) => settings.set({ requestTimeoutSecs })}
        testId={testIds.config.requestTimeout}
      />
      <Field label={words.cluster} description={words.clusterHint} disabled={readOnly}>
        <Input
          id="hubble-cluster"
          width={width}
          value={plain.cluster ?? ''}
          onChange={(event) => settings.set({ cluster: event.currentTarget.value })}
          spellCheck={false}
          data-testid={testIds.config.cluster}
        />
      </Field>
    </FieldSet>
  );
}

function TlsFields({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  return (
    <>
      <Field label={words.serverName} description={words.serverNameHint} disabled={readOnly}>
        <Input
          id="hubble-server-name"
          width={width}
          value={plain.serverName ?? ''}
          placeholder={words.serverNamePlaceholder}
          onChange={(event) => settings.set({ serverName: event.currentTarget.value })}
          spellCheck={false}
          data-testid={testIds.config.serverName}
        />
      </Field>
      <Toggle
        label={words.ownCa}
        hint={words.ownCaHint}
        value={plain.tlsAuthWithCACert ?? false}
        disabled={readOnly}
        onChange={(tlsAuthWithCACert) => settings.set({ tlsAuthWithCACert })}
        testId={testIds.config.ownCa}
      />
      {plain.tlsAuthWithCACert && (
        <SecretField
          settings={settings}
          name="tlsCACert"
          label={words.ca}
          placeholder={words.pemCertificate}
          multiline
        />
      )}
      <Toggle
        label={words.clientCertificate}
        hint={words.clientCertificateHint}
        value={plain.tlsAuth ?? false}
        disabled={readOnly}
        onChange={(tlsAuth) => settings.set({ tlsAuth })}
        testId={testIds.config.clientCertificate}
      />
      {plain.tlsAuth && (
        <>
          <SecretField
            settings={settings}
            name="tlsClientCert"
            label={words.certificate}
            placeholder={words.pemCertificate}
            multiline
          />
          <SecretField settings={settings} name="tlsClientKey" label={words.key} placeholder={words.pemKey} multiline />
        </>
      )}
      <Toggle
        label={words.skipVerify}
        hint={words.skipVerifyHint}
        value={plain.tlsSkipVerify ?? false}
        disabled={readOnly}
        onChange={(tlsSkipVerify) => settings.set({ tlsSkipVerify })}
        testId={testIds.config.skipVerify}
      />
      {plain.tlsSkipVerify && (
        <Alert severity="warning" title={words.skipVerifyWarning} data-testid={testIds.config.skipVerifyWarning}>
          {words.skipVerifyWarningText}
        </Alert>
      )}
    </>
  );
}
