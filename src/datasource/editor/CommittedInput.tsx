import { InlineField, Input } from '@grafana/ui';
import { useState } from 'react';

interface Props {
  label: string;
  tooltip?: string;
  id: string;
  width: number;
  type?: 'text' | 'number';
  placeholder?: string;
  value: string;
  /** What is wrong with a text, if anything is. */
  problem?: (value: string) => string | undefined;
  onCommit(value: string): void;
  onRunQuery(): void;
  testId: string;
}

/** A text that counts when its field is left, or on Enter; never while it is being typed. */
export function CommittedInput(props: Props) {
  const { label, tooltip, id, width, type = 'text', placeholder, value, problem, onCommit, onRunQuery, testId } = props;
  const [draft, setDraft] = useState(value);
  const [base, setBase] = useState(value);
  if (base !== value) {
    // Changed from elsewhere: what was being typed is about another query.
    setBase(value);
    setDraft(value);
  }
  const wrong = problem?.(draft);

  const commit = () => {
    if (draft !== value && wrong === undefined) {
      onCommit(draft);
    }
  };
  return (
    <InlineField
      label={label}
      tooltip={tooltip}
      htmlFor={id}
      invalid={wrong !== undefined}
      error={wrong}
      style={{ margin: 0 }}
    >
      <Input
        id={id}
        width={width}
        type={type}
        placeholder={placeholder}
        value={draft}
        aria-invalid={wrong !== undefined}
        spellCheck={false}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || wrong !== undefined) {
            return;
          }
          event.preventDefault();
          if (draft !== value) {
            onCommit(draft);
          } else if (event.shiftKey) {
            onRunQuery();
          }
        }}
        data-testid={testId}
      />
    </InlineField>
  );
}
