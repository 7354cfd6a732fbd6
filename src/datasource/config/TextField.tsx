import { Field, Input } from '@grafana/ui';

interface Props {
  label: string;
  hint?: string;
  placeholder?: string;
  value: string | undefined;
  /** What is wrong with the value, if anything. */
  error?: string;
  disabled: boolean;
  width?: number;
  onChange(value: string): void;
  testId: string;
}

/** One line of text. */
export function TextField({ label, hint, placeholder, value, error, disabled, width = 60, onChange, testId }: Props) {
  const id = testId.replaceAll(' ', '-');
  return (
    <Field
      label={label}
      description={hint}
      htmlFor={id}
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
