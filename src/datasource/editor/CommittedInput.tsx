import { InlineField, Input } from '@grafana/ui';

import { useCommitOnBlur } from '../useDraft';

interface Props {
  label: string;
  tooltip?: string;
  id: string;
  width: number;
  type?: 'text' | 'number';
  placeholder?: string;
  value: string;
  /** The fault in a text, if any. A faulty text is not committed. */
  problem?: (value: string) => string | undefined;
  onCommit(value: string): void;
  onRunQuery(): void;
  testId: string;
}

/** A labelled input that reports its text on blur or Enter. */
export function CommittedInput(props: Props) {
  const { label, tooltip, id, width, type = 'text', placeholder, testId } = props;
  const { error, input } = useCommitOnBlur(props);
  return (
    <InlineField
      label={label}
      tooltip={tooltip}
      htmlFor={id}
      invalid={error !== undefined}
      error={error}
      style={{ margin: 0 }}
    >
      <Input id={id} width={width} type={type} placeholder={placeholder} {...input} data-testid={testId} />
    </InlineField>
  );
}
