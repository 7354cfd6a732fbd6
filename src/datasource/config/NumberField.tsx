import { Field, Input } from '@grafana/ui';

import { useDraft } from '../useDraft';
import { text } from './text';
import { wholeNumberOf } from './settings';

interface Props {
  label: string;
  description: string;
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

/** A field for a whole number; empty for the default. A number outside the bounds shows an error and is not stored. */
export function NumberField({
  label,
  description,
  placeholder,
  value,
  disabled,
  min = 1,
  max,
  unit,
  onChange,
  testId,
}: Props) {
  const [draft, setDraft] = useDraft(value, (number) => (number === undefined ? '' : String(number)));
  const isInvalid = draft.trim() !== '' && wholeNumberOf(draft, min, max) === undefined;
  const id = testId.replaceAll(' ', '-');
  return (
    <Field
      label={label}
      description={description}
      htmlFor={id}
      invalid={isInvalid}
      error={isInvalid ? text.numberError(min, max) : undefined}
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
