import { ConfigSection, ConfigSubSection } from '@grafana/plugin-ui';
import { Field, RadioButtonGroup, Stack } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from './text';
import type { PrometheusAuth } from '../types';
import { AzureFields } from './AzureFields';
import { DelegationFields } from './DelegationFields';
import { HeaderFields } from './HeaderFields';
import { PrometheusLimits } from './PrometheusLimits';
import { SecretField } from './SecretField';
import type { Settings } from './settings';
import { TextField } from './TextField';
import { prometheusTls, TlsFields } from './TlsFields';
import { Toggle } from './Toggle';

const words = text.prometheus;

type Mode = keyof typeof words.modes;

/** The source of PromQL answers: a Prometheus URL with its authentication, or another data source. */
export function PrometheusSection({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  const mode: Mode = plain.prometheusDatasourceUid === undefined ? 'url' : 'datasource';
  const url = plain.prometheusUrl?.trim() ?? '';
  const usesUrl = mode === 'url' || url !== '';
  return (
    <ConfigSection title={words.title} description={words.description}>
      <Field label={words.mode} description={words.modeHints[mode]}>
        <RadioButtonGroup<Mode>
          aria-label={words.mode}
          value={mode}
          disabled={readOnly}
          onChange={(mode) => settings.set({ prometheusDatasourceUid: mode === 'url' ? undefined : '' })}
          options={(['url', 'datasource'] as const).map((value) => ({ value, label: words.modes[value] }))}
        />
      </Field>
      {mode === 'datasource' && <DelegationFields settings={settings} />}
      <TextField
        {...settings.field('prometheusUrl')}
        label={mode === 'url' ? words.url : words.urlForAlerts}
        description={words.urlHint}
        placeholder={words.urlPlaceholder}
        error={url !== '' && !/^https?:\/\//i.test(url) ? words.urlScheme : undefined}
        testId={testIds.config.prometheusUrl}
      />
      {usesUrl && (
        <>
          <AuthFields settings={settings} />
          <Stack direction="column" gap={3}>
            {/^https:/i.test(url) && (
              <ConfigSubSection title={text.prometheusTls.title}>
                <TlsFields settings={settings} connection={prometheusTls} />
              </ConfigSubSection>
            )}
            <HeaderFields settings={settings} />
            <PrometheusLimits settings={settings} />
          </Stack>
        </>
      )}
    </ConfigSection>
  );
}

function AuthFields({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  const auth = plain.prometheusAuth ?? 'none';
  return (
    <>
      <Field label={words.auth}>
        <RadioButtonGroup<PrometheusAuth>
          aria-label={words.auth}
          value={auth}
          disabled={readOnly}
          onChange={(prometheusAuth) => settings.set({ prometheusAuth })}
          options={(['none', 'basic', 'bearer', 'azure'] as const).map((value) => ({
            value,
            label: words.auths[value],
          }))}
        />
      </Field>
      {auth === 'basic' && (
        <>
          <TextField {...settings.field('prometheusUser')} label={words.user} testId={testIds.config.prometheusUser} />
          <SecretField settings={settings} name="prometheusPassword" label={words.password} />
        </>
      )}
      {auth === 'bearer' && <SecretField settings={settings} name="prometheusToken" label={words.token} />}
      {auth === 'azure' && <AzureFields settings={settings} />}
      <Toggle
        {...settings.field('oauthPassThru')}
        label={words.forward}
        description={words.forwardHint}
        testId={testIds.config.forwardIdentity}
      />
    </>
  );
}
