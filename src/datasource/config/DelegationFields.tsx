import { DataSourcePicker } from '@grafana/runtime';
import { Alert, Field } from '@grafana/ui';

import { prometheusTypes } from '../delegation';
import { testIds } from '../testIds';
import { text } from './text';
import type { Settings } from './settings';

const words = text.prometheus;

/** The Prometheus data source that answers PromQL, and a note on alert rules. */
export function DelegationFields({ settings }: { settings: Settings }) {
  const inputId = 'hubble-prometheus-datasource';
  return (
    <>
      <Field label={words.datasource} description={words.datasourceHint} htmlFor={inputId}>
        <div data-testid={testIds.config.prometheusDatasource}>
          <DataSourcePicker
            inputId={inputId}
            type={[...prometheusTypes]}
            current={settings.plain.prometheusDatasourceUid || null}
            placeholder={words.datasourcePlaceholder}
            width={60}
            noDefault
            disabled={settings.readOnly}
            onChange={({ uid }) => settings.set({ prometheusDatasourceUid: uid })}
          />
        </div>
      </Field>
      <Alert severity="info" title={words.alertsTitle} data-testid={testIds.config.delegationAlert}>
        {words.alertsText}
      </Alert>
    </>
  );
}
