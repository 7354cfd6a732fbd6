import { Alert, Field, RadioButtonGroup } from '@grafana/ui';

import { testIds } from '../testIds';
import type { KubernetesAccess } from '../types';
import { AzureFields } from './AzureFields';
import { SecretField } from './SecretField';
import type { Settings } from './settings';
import { text } from './text';
import { TextField } from './TextField';
import { Toggle } from './Toggle';

const words = text.kubernetes;
const accesses = ['none', 'serviceaccount', 'kubeconfig', 'token', 'azure'] as const;

/** The cluster whose own policies are used, and the way to its API server. */
export function KubernetesFields({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  const access = plain.kubernetesAccess ?? 'none';
  return (
    <>
      <Field label={words.access} description={words.accessHints[access]}>
        <RadioButtonGroup<KubernetesAccess>
          aria-label={words.access}
          value={access}
          disabled={readOnly}
          onChange={(kubernetesAccess) => settings.set({ kubernetesAccess })}
          options={accesses.map((value) => ({ value, label: words.accesses[value] }))}
        />
      </Field>
      {access === 'kubeconfig' && (
        <SecretField
          settings={settings}
          name="kubernetesKubeconfig"
          label={words.kubeconfig}
          placeholder={words.kubeconfigPlaceholder}
          multiline
        />
      )}
      {(access === 'token' || access === 'azure') && <ServerFields settings={settings} access={access} />}
    </>
  );
}

function ServerFields({ settings, access }: { settings: Settings; access: 'token' | 'azure' }) {
  const url = settings.plain.kubernetesUrl?.trim() ?? '';
  const skipVerify = settings.field('kubernetesTlsSkipVerify');
  // The identity of Prometheus is entered there, where it uses one.
  const hasOwnIdentity = settings.plain.prometheusAuth !== 'azure';
  return (
    <>
      <TextField
        {...settings.field('kubernetesUrl')}
        label={words.url}
        description={words.urlHint}
        placeholder={words.urlPlaceholder}
        required
        error={isServerUrl(url) ? undefined : words.urlScheme}
        testId={testIds.config.kubernetesUrl}
      />
      {access === 'token' && <SecretField settings={settings} name="kubernetesToken" label={words.token} />}
      {access === 'azure' && hasOwnIdentity && <AzureFields settings={settings} role={words.azureRole} />}
      <SecretField
        settings={settings}
        name="kubernetesCACert"
        label={words.ca}
        placeholder={text.tls.pemCertificate}
        multiline
      />
      <TextField
        {...settings.field('kubernetesServerName')}
        label={text.tls.serverName}
        description={words.serverNameHint}
        testId={testIds.config.kubernetesServerName}
      />
      <Toggle
        {...skipVerify}
        label={text.tls.skipVerify}
        description={text.tls.skipVerifyHint}
        testId={testIds.config.kubernetesSkipVerify}
      />
      {skipVerify.value && (
        <Alert
          severity="warning"
          title={words.skipVerifyWarning}
          data-testid={testIds.config.kubernetesSkipVerifyWarning}
        >
          {words.skipVerifyWarningText}
        </Alert>
      )}
    </>
  );
}

/** Whether an API server can have the URL; plain HTTP is for this machine, as behind `kubectl proxy`. */
function isServerUrl(url: string): boolean {
  return url === '' || url.startsWith('$') || /^(https:\/\/|http:\/\/(localhost|127\.|\[::1\]))/i.test(url);
}
