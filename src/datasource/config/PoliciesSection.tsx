import { ConfigSection } from '@grafana/plugin-ui';
import { Field, TextArea } from '@grafana/ui';

import { testIds } from '../testIds';
import { KubernetesFields } from './KubernetesFields';
import { text } from './text';
import type { Settings } from './settings';
import { TextField } from './TextField';

const words = text.policies;

/** The network policies that flows are compared with: of a cluster, a folder and a text. */
export function PoliciesSection({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  return (
    <ConfigSection title={words.title} description={words.description}>
      <KubernetesFields settings={settings} />
      <TextField
        {...settings.field('policiesFolder')}
        label={words.folder}
        description={words.folderHint}
        placeholder={words.folderPlaceholder}
        error={folderError(plain.policiesFolder ?? '')}
        testId={testIds.config.policiesFolder}
      />
      <TextField
        {...settings.field('policiesNamespace')}
        label={words.namespace}
        description={words.namespaceHint}
        placeholder={words.namespacePlaceholder}
        error={isNamespace(plain.policiesNamespace ?? '') ? undefined : words.namespaceInvalid}
        testId={testIds.config.policiesNamespace}
      />
      <Field label={words.text} description={words.textHint} disabled={readOnly}>
        <TextArea
          id="hubble-policies-text"
          cols={60}
          rows={8}
          value={plain.policiesText ?? ''}
          placeholder={words.textPlaceholder}
          onChange={(event) => settings.set({ policiesText: event.currentTarget.value })}
          spellCheck={false}
          data-testid={testIds.config.policiesText}
        />
      </Field>
    </ConfigSection>
  );
}

/** Whether Kubernetes allows the name; a variable of a provisioning file is allowed too. */
function isNamespace(text: string): boolean {
  const name = text.trim();
  return name === '' || name.startsWith('$') || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}

function folderError(folder: string): string | undefined {
  const path = folder.trim();
  if (path === '' || path.startsWith('$')) {
    return undefined;
  }
  // On Windows a path begins with a drive.
  if (!/^(\/|[A-Za-z]:[\\/])/.test(path)) {
    return words.folderRelative;
  }
  return path.split(/[\\/]/).includes('..') ? words.folderParent : undefined;
}
