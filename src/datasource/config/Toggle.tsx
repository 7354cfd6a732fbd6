import { Field, Switch } from '@grafana/ui';
import type { ReactNode } from 'react';

interface Props {
  label: string;
  hint: ReactNode;
  value: boolean;
  disabled: boolean;
  onChange(value: boolean): void;
  testId: string;
}

/** A switch with its meaning. */
export function Toggle({ label, hint, value, disabled, onChange, testId }: Props) {
  const id = testId.replaceAll(' ', '-');
  return (
    <Field label={label} description={hint} htmlFor={id} disabled={disabled}>
      <Switch id={id} value={value} onChange={(event) => onChange(event.currentTarget.checked)} data-testid={testId} />
    </Field>
  );
}
