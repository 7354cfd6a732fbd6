import { useState, type FormEvent, type KeyboardEvent } from 'react';

/**
 * The text of an input while it is typed. When `value` changes elsewhere, such as by undo, the draft follows it.
 */
export function useDraft<Value>(value: Value, format: (value: Value) => string): [string, (draft: string) => void] {
  const [draft, setDraft] = useState(format(value));
  const [base, setBase] = useState(value);
  if (base !== value) {
    setBase(value);
    setDraft(format(value));
  }
  return [draft, setDraft];
}

interface CommitOptions {
  value: string;
  /** The fault in a text, if any. A faulty text is not committed. */
  problem?: (value: string) => string | undefined;
  /** Called on blur and on Enter with a text that differs from `value`. */
  onCommit(value: string): void;
  /** Called on Shift+Enter where the text is unchanged. */
  onRunQuery?(): void;
}

/** An input that reports its text on blur or Enter, not while it is typed: its error and the props of an `Input`. */
export function useCommitOnBlur({ value, problem, onCommit, onRunQuery }: CommitOptions) {
  const [draft, setDraft] = useDraft(value, String);
  const error = problem?.(draft);
  const input = {
    value: draft,
    spellCheck: false,
    'aria-invalid': error !== undefined,
    onChange: (event: FormEvent<HTMLInputElement>) => setDraft(event.currentTarget.value),
    onBlur: () => {
      if (draft !== value && error === undefined) {
        onCommit(draft);
      }
    },
    onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => {
      if (event.key !== 'Enter' || error !== undefined) {
        return;
      }
      event.preventDefault();
      if (draft !== value) {
        onCommit(draft);
      } else if (event.shiftKey) {
        onRunQuery?.();
      }
    },
  };
  return { error, input };
}
