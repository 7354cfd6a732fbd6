import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { Stack } from '@grafana/ui';

import type { HubbleSecrets, HubbleSettings } from '../types';
import { AlertRulesSection } from './AlertRulesSection';
import { PoliciesSection } from './PoliciesSection';
import { PrometheusSection } from './PrometheusSection';
import { RelaySection } from './RelaySection';
import { Settings } from './settings';

type ConfigProps = DataSourcePluginOptionsEditorProps<HubbleSettings, HubbleSecrets>;

/**
 * The settings page of the data source: Hubble Relay, Prometheus, the network policies and alert rules. Without
 * `DataSourceDescription` of `@grafana/plugin-ui`, which requires a link to documentation on the web.
 */
export function ConfigEditor({ options, onOptionsChange }: ConfigProps) {
  const settings = new Settings(options, onOptionsChange);
  return (
    <Stack direction="column" gap={5}>
      <RelaySection settings={settings} />
      <PrometheusSection settings={settings} />
      <PoliciesSection settings={settings} />
      <AlertRulesSection settings={settings} />
    </Stack>
  );
}
