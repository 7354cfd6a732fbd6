import { Field, FieldSet, Input, TextArea } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from '../text';
import type { Settings } from './settings';

const words = text.config.policies;
const width = 60;

/** Where the network policies are that flows are compared with. */
export function PoliciesSection({ settings }: { settings: Settings }) {
  const { plain, readOnly } = settings;
  const folder = plain.policiesFolder ?? '';
  const problem = folderProblem(folder);
  const namespace = plain.policiesNamespace ?? '';
  return (
    <FieldSet label={words.title}>
      <p>{words.description}</p>
      <Field
        label={words.folder}
        description={words.folderHint}
        invalid={problem !== undefined}
        error={problem}
        disabled={readOnly}
      >
        <Input
          id="hubble-policies-folder"
          width={width}
          value={folder}
          placeholder={words.folderPlaceholder}
          onChange={(event) => settings.set({ policiesFolder: event.currentTarget.value })}
          spellCheck={false}
          data-testid={testIds.config.policiesFolder}
        />
      </Field>
      <Field
        label={words.namespace}
        description={words.namespaceHint}
        invalid={!isNamespace(namespace)}
        error={words.namespaceInvalid}
        disabled={readOnly}
      >
        <Input
          id="hubble-policies-namespace"
          width={width}
          value={namespace}
          placeholder={words.namespacePlaceholder}
          onChange={(event) => settings.set({ policiesNamespace: event.currentTarget.value })}
          spellCheck={false}
          data-testid={testIds.config.policiesNamespace}
        />
      </Field>
      <Field label={words.text} description={words.textHint} disabled={readOnly}>
        <TextArea
          id="hubble-policies-text"
          cols={width}
          rows={8}
          value={plain.policiesText ?? ''}
          placeholder={words.textPlaceholder}
          onChange={(event) => settings.set({ policiesText: event.currentTarget.value })}
          spellCheck={false}
          data-testid={testIds.config.policiesText}
        />
      </Field>
    </FieldSet>
  );
}

/** Whether Kubernetes has such names; a variable of the provisioning is one. */
function isNamespace(text: string): boolean {
  const name = text.trim();
  return name === '' || name.startsWith('$') || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}

function folderProblem(folder: string): string | undefined {
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
