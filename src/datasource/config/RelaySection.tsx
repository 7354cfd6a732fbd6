import { ConfigSection } from '@grafana/plugin-ui';

import { testIds } from '../testIds';
import { text } from './text';
import { NumberField } from './NumberField';
import { maxTimeoutSecs, usesTls, type Settings } from './settings';
import { TextField } from './TextField';
import { relayTls, TlsFields } from './TlsFields';
import { Toggle } from './Toggle';

const words = text.relay;

/** The relay's address, its TLS, the timeouts and the cluster's name. */
export function RelaySection({ settings }: { settings: Settings }) {
  const { address, readOnly } = settings;
  const isHttp = /^https?:\/\//i.test(address.trim());
  const isTlsAddress = address.trim().toLowerCase().startsWith('tls://');
  return (
    <ConfigSection title={words.title} description={words.description}>
      <TextField
        label={words.address}
        description={words.addressHint}
        placeholder={words.addressPlaceholder}
        required
        error={isHttp ? words.addressScheme : undefined}
        value={address}
        disabled={readOnly}
        onChange={(url) => settings.setAddress(url)}
        testId={testIds.config.address}
      />
      <Toggle
        {...settings.field('tls')}
        label={words.tls}
        description={words.tlsHint}
        value={usesTls(settings)}
        disabled={readOnly || isTlsAddress}
        testId={testIds.config.tls}
      />
      {usesTls(settings) && <TlsFields settings={settings} connection={relayTls} />}
      <NumberField
        {...settings.field('connectTimeoutSecs')}
        label={words.connectTimeout}
        description={words.connectTimeoutHint}
        placeholder="5"
        max={maxTimeoutSecs}
        unit="s"
        testId={testIds.config.connectTimeout}
      />
      <NumberField
        {...settings.field('requestTimeoutSecs')}
        label={words.requestTimeout}
        description={words.requestTimeoutHint}
        placeholder="30"
        max={maxTimeoutSecs}
        unit="s"
        testId={testIds.config.requestTimeout}
      />
      <TextField
        {...settings.field('cluster')}
        label={words.cluster}
        description={words.clusterHint}
        testId={testIds.config.cluster}
      />
      <Toggle
        {...settings.field('allowCelExpressions')}
        label={words.allowCel}
        description={words.allowCelHint}
        value={settings.plain.allowCelExpressions ?? true}
        testId={testIds.config.allowCel}
      />
    </ConfigSection>
  );
}
