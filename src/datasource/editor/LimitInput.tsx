import { useId } from 'react';

import { limitOf } from '../query/model';
import { testIds } from '../testIds';
import { CommittedInput } from './CommittedInput';

interface Props<Q> {
  query: Q;
  words: { limit: string; limitHint: string; limitError: string };
  /** The limit of a query without one. */
  defaultLimit: number;
  max: number;
  onChange(query: Q): void;
  onRunQuery(): void;
}

/** The input for the `limit` of a query. */
export function LimitInput<Q extends { limit?: number }>({
  query,
  words,
  defaultLimit,
  max,
  onChange,
  onRunQuery,
}: Props<Q>) {
  return (
    <CommittedInput
      label={words.limit}
      tooltip={words.limitHint}
      id={useId()}
      width={12}
      type="number"
      value={String(query.limit ?? defaultLimit)}
      problem={(value) => (limitOf(value, max) === undefined ? words.limitError : undefined)}
      onCommit={(value) => {
        onChange({ ...query, limit: limitOf(value, max) });
        onRunQuery();
      }}
      onRunQuery={onRunQuery}
      testId={testIds.limit}
    />
  );
}
