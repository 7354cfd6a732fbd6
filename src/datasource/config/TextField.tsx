import { Field, Input } from '@grafana/ui';

interface Props {
  label: string;
  description?: string;
  placeholder?: string;
  value: string | undefined;
  /** The fault in the value, if any. */
  error?: string;
  required?: boolean;
  disabled: boolean;
  width?: number;
  onChange(value: string): void;
  testId: string;
}

/** A field for one line of text. */
export function TextField({
  label,
  description,
  placeholder,
  value,
  error,
  required,
  disabled,
  width = 60,
  onChange,
  testId,
}: Props) {
  const id = testId.replaceAll(' ', '-');
  return (
    <Field
      label={label}
      description={description}
      htmlFor={id}
      required={required}
      invalid={error !== undefined}
      error={error}
      disabled={disabled}
    >
      <Input
        id={id}
        width={width}
        value={value ?? ''}
        placeholder={placeholder}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onChange(event.currentTarget.value)}
        data-testid={testId}
      />
    </Field>
  );
}
