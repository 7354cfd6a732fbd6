import { Field, SecretInput, SecretTextArea } from '@grafana/ui';

import { testIds } from '../testIds';
import type { SecretName } from '../types';
import type { Settings } from './settings';

interface Props {
  settings: Settings;
  name: SecretName;
  label: string;
  placeholder?: string;
  /** For PEM texts. */
  multiline?: boolean;
  width?: number;
}

/** A field for a secret. A stored secret can be reset, not shown: it never reaches the browser. */
export function SecretField({ settings, name, label, placeholder, multiline = false, width = 60 }: Props) {
  const common = {
    id: `hubble-secret-${name}`,
    isConfigured: settings.holds(name),
    onReset: () => settings.resetSecret(name),
    value: settings.typed(name),
    placeholder,
    'data-testid': testIds.config.secret(name),
  };
  return (
    <Field label={label} htmlFor={common.id} disabled={settings.readOnly}>
      {multiline ? (
        <SecretTextArea
          {...common}
          cols={50}
          rows={6}
          spellCheck={false}
          onChange={(event) => settings.setSecret(name, event.currentTarget.value)}
        />
      ) : (
        <SecretInput
          {...common}
          width={width}
          autoComplete="new-password"
          onChange={(event) => settings.setSecret(name, event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
