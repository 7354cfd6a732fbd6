import { Field, RadioButtonGroup } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from './text';
import type { AzureAuthType, AzureCloud, AzureCredentials } from '../types';
import { SecretField } from './SecretField';
import type { Settings } from './settings';
import { TextField } from './TextField';

const words = text.azure;

/** The identity whose token of Microsoft Entra ID is sent to an Azure Monitor workspace or an API server of AKS. */
export function AzureFields({ settings, role = words.role }: { settings: Settings; role?: string }) {
  const { plain, readOnly } = settings;
  const credentials = plain.azureCredentials ?? {};
  const authType = credentials.authType ?? 'clientsecret';
  const set = (change: AzureCredentials) => settings.set({ azureCredentials: { authType, ...credentials, ...change } });
  const descriptions: Record<AzureAuthType, string | undefined> = {
    clientsecret: undefined,
    workloadidentity: words.optional,
    msi: words.optionalMsi,
  };
  return (
    <>
      <Field label={words.type} description={words.typeHints[authType]}>
        <RadioButtonGroup<AzureAuthType>
          aria-label={words.type}
          value={authType}
          disabled={readOnly}
          onChange={(authType) => set({ authType })}
          options={(['clientsecret', 'workloadidentity', 'msi'] as const).map((value) => ({
            value,
            label: words.types[value],
          }))}
        />
      </Field>
      <Field label={words.cloud} description={role}>
        <RadioButtonGroup<AzureCloud>
          aria-label={words.cloud}
          value={credentials.azureCloud ?? 'AzureCloud'}
          disabled={readOnly}
          onChange={(azureCloud) => set({ azureCloud })}
          options={(['AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud'] as const).map((value) => ({
            value,
            label: words.clouds[value],
          }))}
        />
      </Field>
      {authType !== 'msi' && (
        <TextField
          label={words.tenant}
          description={descriptions[authType]}
          value={credentials.tenantId}
          disabled={readOnly}
          onChange={(tenantId) => set({ tenantId })}
          testId={testIds.config.tenantId}
        />
      )}
      <TextField
        label={words.client}
        description={descriptions[authType]}
        value={credentials.clientId}
        disabled={readOnly}
        onChange={(clientId) => set({ clientId })}
        testId={testIds.config.clientId}
      />
      {authType === 'clientsecret' && <SecretField settings={settings} name="azureClientSecret" label={words.secret} />}
    </>
  );
}
