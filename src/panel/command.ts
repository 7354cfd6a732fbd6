import { flagOf } from '../datasource/query/fields';
import { quoteForShell } from '../datasource/query/line';
import type { FlagCondition } from './cellFilter';

/** The `hubble observe` line of some conditions, quoted for a shell. */
export function commandOf(conditions: readonly FlagCondition[]): string {
  const words = conditions.map(({ key, value }) =>
    key === 'reply' ? (value === 'true' ? '--reply' : '--not --reply') : `${flagOf(key)} ${quoteForShell(value)}`
  );
  return ['hubble observe', ...words].join(' ');
}
