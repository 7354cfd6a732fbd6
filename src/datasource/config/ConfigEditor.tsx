import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';

import type { HubbleSecrets, HubbleSettings } from '../types';
import { PoliciesSection } from './PoliciesSection';
import { PrometheusSection } from './PrometheusSection';
import { RelaySection } from './RelaySection';
import { Settings } from './settings';

export type ConfigProps = DataSourcePluginOptionsEditorProps<HubbleSettings, HubbleSecrets>;

/** The addresses of Hubble Relay and Prometheus and what they ask for, and where the policies are. */
export function ConfigEditor({ options, onOptionsChange }: ConfigProps) {
  const settings = new Settings(options, onOptionsChange);
  return (
    <>
      <RelaySection settings={settings} />
      <PrometheusSection settings={settings} />
      <PoliciesSection settings={settings} />
    </>
  );
}
