import { Field, Switch } from '@grafana/ui';
import type { ReactNode } from 'react';

interface Props {
  label: string;
  description: ReactNode;
  value: boolean | undefined;
  disabled: boolean;
  onChange(value: boolean): void;
  testId: string;
}

/** A field with a switch, off by default. */
export function Toggle({ label, description, value = false, disabled, onChange, testId }: Props) {
  const id = testId.replaceAll(' ', '-');
  return (
    <Field label={label} description={description} htmlFor={id} disabled={disabled}>
      <Switch id={id} value={value} onChange={(event) => onChange(event.currentTarget.checked)} data-testid={testId} />
    </Field>
  );
}
