import { ConfigSubSection } from '@grafana/plugin-ui';
import { Field, RadioButtonGroup } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from './text';
import type { HubbleSettings } from '../types';
import { NumberField } from './NumberField';
import { isDuration, isQueryString, type Settings } from './settings';
import { TextField } from './TextField';

const words = text.limits;
/** Upper bounds, as in the backend. */
const maxSeriesLimit = 1_000_000;
const maxResponseLimitMib = 512;

/** The scrape interval, the HTTP method and the bounds of a query to Prometheus. */
export function PrometheusLimits({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  const errorOf = (value: string | undefined, isValid: (text: string) => boolean, error: string) =>
    value !== undefined && value.trim() !== '' && !isValid(value) ? error : undefined;
  return (
    <ConfigSubSection title={words.title}>
      <TextField
        {...settings.field('timeInterval')}
        label={words.scrapeInterval}
        description={words.scrapeIntervalHint}
        placeholder="15s"
        error={errorOf(plain.timeInterval, isDuration, words.durationError)}
        width={16}
        testId={testIds.config.scrapeInterval}
      />
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
      <TextField
        {...settings.field('customQueryParameters')}
        label={words.parameters}
        description={words.parametersHint}
        placeholder="name=value&other=value"
        error={errorOf(plain.customQueryParameters, isQueryString, words.parametersError)}
        testId={testIds.config.customQueryParameters}
      />
      <TextField
        {...settings.field('queryTimeout')}
        label={words.queryTimeout}
        description={words.queryTimeoutHint}
        placeholder="60s"
        error={errorOf(plain.queryTimeout, isDuration, words.durationError)}
        width={16}
        testId={testIds.config.queryTimeout}
      />
      <NumberField
        {...settings.field('seriesLimit')}
        label={words.seriesLimit}
        description={words.seriesLimitHint}
        placeholder="40000"
        min={0}
        max={maxSeriesLimit}
        testId={testIds.config.seriesLimit}
      />
      <NumberField
        {...settings.field('prometheusResponseLimitMib')}
        label={words.responseLimit}
        description={words.responseLimitHint}
        placeholder="64"
        max={maxResponseLimitMib}
        unit="MiB"
        testId={testIds.config.responseLimit}
      />
    </ConfigSubSection>
  );
}
