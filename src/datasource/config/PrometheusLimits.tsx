import { Field, FieldSet, RadioButtonGroup } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from '../text';
import type { HubbleSettings } from '../types';
import { NumberField } from './NumberField';
import { isDuration, isQueryString, type Settings } from './settings';
import { TextField } from './TextField';

const words = text.config.limits;
/** The backend's own bounds. */
const maxSeriesLimit = 1_000_000;
const maxResponseLimitMib = 512;

/** How queries are sent, and how much may come back. */
export function PrometheusLimits({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  const wrong = (value: string | undefined, isRight: (text: string) => boolean, error: string) =>
    value !== undefined && value.trim() !== '' && !isRight(value) ? error : undefined;
  return (
    <FieldSet label={words.title}>
      <TextField
        label={words.scrapeInterval}
        hint={words.scrapeIntervalHint}
        placeholder="15s"
        value={plain.timeInterval}
        error={wrong(plain.timeInterval, isDuration, words.durationError)}
        disabled={readOnly}
        width={16}
        onChange={(timeInterval) => settings.set({ timeInterval })}
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
        label={words.parameters}
        hint={words.parametersHint}
        placeholder="name=value&other=value"
        value={plain.customQueryParameters}
        error={wrong(plain.customQueryParameters, isQueryString, words.parametersError)}
        disabled={readOnly}
        onChange={(customQueryParameters) => settings.set({ customQueryParameters })}
        testId={testIds.config.customQueryParameters}
      />
      <TextField
        label={words.queryTimeout}
        hint={words.queryTimeoutHint}
        placeholder="60s"
        value={plain.queryTimeout}
        error={wrong(plain.queryTimeout, isDuration, words.durationError)}
        disabled={readOnly}
        width={16}
        onChange={(queryTimeout) => settings.set({ queryTimeout })}
        testId={testIds.config.queryTimeout}
      />
      <NumberField
        label={words.seriesLimit}
        hint={words.seriesLimitHint}
        placeholder="40000"
        value={plain.seriesLimit}
        disabled={readOnly}
        min={0}
        max={maxSeriesLimit}
        onChange={(seriesLimit) => settings.set({ seriesLimit })}
        testId={testIds.config.seriesLimit}
      />
      <NumberField
        label={words.responseLimit}
        hint={words.responseLimitHint}
        placeholder="64"
        value={plain.prometheusResponseLimitMib}
        disabled={readOnly}
        max={maxResponseLimitMib}
        unit="MiB"
        onChange={(prometheusResponseLimitMib) => settings.set({ prometheusResponseLimitMib })}
        testId={testIds.config.responseLimit}
      />
    </FieldSet>
  );
}
