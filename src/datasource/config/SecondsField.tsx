import { Field, Input } from '@grafana/ui';
import { useState } from 'react';

import { text } from '../text';
import { secondsOf } from './settings';

interface Props {
  label: string;
  hint: string;
  /** The default. */
  placeholder: string;
  value: number | undefined;
  disabled: boolean;
  onChange(seconds: number | undefined): void;
  testId: string;
}

/** A whole number of seconds; empty for the default. What is no such number is said and not taken over. */
export function SecondsField({ label, hint, placeholder, value, disabled, onChange, testId }: Props) {
  const [draft, setDraft] = useState(value === undefined ? '' : String(value));
  const wrong = draft.trim() !== '' && secondsOf(draft) === undefined;
  const id = testId.replaceAll(' ', '-');
  return (
    <Field
      label={label}
      description={hint}
      htmlFor={id}
      invalid={wrong}
      error={wrong ? text.config.relay.timeoutError : undefined}
      disabled={disabled}
    >
      <Input
        id={id}
        width={12}
        type="number"
        min={1}
        step={1}
        suffix="s"
        value={draft}
        placeholder={placeholder}
        onChange={(event) => {
          const typed = event.currentTarget.value;
          setDraft(typed);
          if (typed.trim() === '' || secondsOf(typed) !== undefined) {
            onChange(secondsOf(typed));
          }
        }}
        data-testid={testId}
      />
    </Field>
  );
}
