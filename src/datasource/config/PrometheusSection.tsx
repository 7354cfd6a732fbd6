import { Field, FieldSet, Input, RadioButtonGroup } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from '../text';
import type { HubbleSettings, PrometheusAuth } from '../types';
import { SecretField } from './SecretField';
import { isDuration, type Settings } from './settings';

const words = text.config.prometheus;
const width = 60;

export function PrometheusSection({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  const url = plain.prometheusUrl ?? '';
  const noScheme = url.trim() !== '' && !/^https?:\/\//i.test(url.trim());
  const interval = plain.timeInterval ?? '';
  const noDuration = interval.trim() !== '' && !isDuration(interval);
  const auth = plain.prometheusAuth ?? 'none';
  return (
    <FieldSet label={words.title}>
      <p>{words.description}</p>
      <Field label={words.url} invalid={noScheme} error={noScheme ? words.urlScheme : undefined} disabled={readOnly}>
        <Input
          id="hubble-prometheus-url"
          width={width}
          value={url}
          placeholder={words.urlPlaceholder}
          onChange={(event) => settings.set({ prometheusUrl: event.currentTarget.value })}
          spellCheck={false}
          data-testid={testIds.config.prometheusUrl}
        />
      </Field>
      <Field label={words.auth}>
        <RadioButtonGroup<PrometheusAuth>
          aria-label={words.auth}
          value={auth}
          disabled={readOnly}
          onChange={(prometheusAuth) => settings.set({ prometheusAuth })}
          options={(['none', 'basic', 'bearer'] as const).map((value) => ({ value, label: words.auths[value] }))}
        />
      </Field>
      {auth === 'basic' && (
        <>
          <Field label={words.user} disabled={readOnly}>
            <Input
              id="hubble-prometheus-user"
              width={width}
              value={plain.prometheusUser ?? ''}
              autoComplete="off"
              onChange={(event) => settings.set({ prometheusUser: event.currentTarget.value })}
              data-testid={testIds.config.prometheusUser}
            />
          </Field>
          <SecretField settings={settings} name="prometheusPassword" label={words.password} />
        </>
      )}
      {auth === 'bearer' && <SecretField settings={settings} name="prometheusToken" label={words.token} />}
      <Field
        label={words.scrapeInterval}
        description={words.scrapeIntervalHint}
        invalid={noDuration}
        error={noDuration ? words.scrapeIntervalError : undefined}
        disabled={readOnly}
      >
        <Input
          id="hubble-scrape-interval"
          width={12}
          value={interval}
          placeholder="15s"
          onChange={(event) => settings.set({ timeInterval: event.currentTarget.value })}
          spellCheck={false}
          data-testid={testIds.config.scrapeInterval}
        />
      </Field>
      <Field label={words.httpMethod} description={words.httpMethodHint}>
        <RadioButtonGroup<NonNullable<HubbleSettings['httpMethod']>>
          aria-label={words.httpMethod}
          value={plain.httpMethod ?? 'POST'}
          disabled={readOnly}
          onChange={(httpMethod) => settings.set({ httpMethod })}
          options={[
            { value: 'POST', label: 'POST' },
            { value: 'GET', label: 'GET' },
          ]}
        />
      </Field>
    </FieldSet>
  );
}
