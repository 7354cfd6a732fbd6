import { Field, FieldSet, RadioButtonGroup } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from '../text';
import type { PrometheusAuth } from '../types';
import { AzureFields } from './AzureFields';
import { DelegationFields } from './DelegationFields';
import { HeaderFields } from './HeaderFields';
import { PrometheusLimits } from './PrometheusLimits';
import { PrometheusTls } from './PrometheusTls';
import { SecretField } from './SecretField';
import type { Settings } from './settings';
import { TextField } from './TextField';
import { Toggle } from './Toggle';

const words = text.config.prometheus;

type Mode = keyof typeof words.modes;

/** Who answers PromQL, and how it is asked. */
export function PrometheusSection({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  const mode: Mode = plain.prometheusDatasourceUid === undefined ? 'url' : 'datasource';
  const url = plain.prometheusUrl?.trim() ?? '';
  return (
    <>
      <FieldSet label={words.title}>
        <p>{words.description}</p>
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
          label={mode === 'url' ? words.url : words.urlForAlerts}
          hint={words.urlHint}
          placeholder={words.urlPlaceholder}
          value={plain.prometheusUrl}
          error={url !== '' && !/^https?:\/\//i.test(url) ? words.urlScheme : undefined}
          disabled={readOnly}
          onChange={(prometheusUrl) => settings.set({ prometheusUrl })}
          testId={testIds.config.prometheusUrl}
        />
        {(mode === 'url' || url !== '') && <AuthFields settings={settings} />}
      </FieldSet>
      {(mode === 'url' || url !== '') && (
        <>
          {/^https:/i.test(url) && <PrometheusTls settings={settings} />}
          <HeaderFields settings={settings} />
          <PrometheusLimits settings={settings} />
        </>
      )}
    </>
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
          <TextField
            label={words.user}
            value={plain.prometheusUser}
            disabled={readOnly}
            onChange={(prometheusUser) => settings.set({ prometheusUser })}
            testId={testIds.config.prometheusUser}
          />
          <SecretField settings={settings} name="prometheusPassword" label={words.password} />
        </>
      )}
      {auth === 'bearer' && <SecretField settings={settings} name="prometheusToken" label={words.token} />}
      {auth === 'azure' && <AzureFields settings={settings} />}
      <Toggle
        label={words.forward}
        hint={words.forwardHint}
        value={plain.oauthPassThru ?? false}
        disabled={readOnly}
        onChange={(oauthPassThru) => settings.set({ oauthPassThru })}
        testId={testIds.config.forwardIdentity}
      />
    </>
  );
}
