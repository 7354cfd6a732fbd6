import { Field, Input } from '@grafana/ui';
import { useState } from 'react';

import { text } from '../text';
import { wholeNumberOf } from './settings';

interface Props {
  label: string;
  hint: string;
  /** The default. */
  placeholder: string;
  value: number | undefined;
  disabled: boolean;
  min?: number;
  max: number;
  unit?: string;
  onChange(number: number | undefined): void;
  testId: string;
}

/** A whole number; empty for the default. What is no such number is said and not taken over. */
export function NumberField({
  label,
  hint,
  placeholder,
  value,
  disabled,
  min = 1,
  max,
  unit,
  onChange,
  testId,
}: Props) {
  const [draft, setDraft] = useState(value === undefined ? '' : String(value));
  const wrong = draft.trim() !== '' && wholeNumberOf(draft, min, max) === undefined;
  const id = testId.replaceAll(' ', '-');
  return (
    <Field
      label={label}
      description={hint}
      htmlFor={id}
      invalid={wrong}
      error={wrong ? text.config.numberError(min, max) : undefined}
      disabled={disabled}
    >
      <Input
        id={id}
        width={16}
        type="number"
        min={min}
        max={max}
        step={1}
        suffix={unit}
        value={draft}
        placeholder={placeholder}
        onChange={(event) => {
          const typed = event.currentTarget.value;
          setDraft(typed);
          const number = wholeNumberOf(typed, min, max);
          if (typed.trim() === '' || number !== undefined) {
            onChange(number);
          }
        }}
        data-testid={testId}
      />
    </Field>
  );
}
