import type { Matcher } from './selectors';

/** The label values that a matcher selects, as far as a flow filter can express them. */
export interface MatchedValues {
  values: string[];
  /** Whether the matcher selects all values but these. */
  negated: boolean;
  /** Whether the values are prefixes, which select more than the matcher does. */
  widened: boolean;
}

/** Characters with a meaning in a regular expression. */
const special = /[\\^$.|?*+()[\]{}]/;

/**
 * The values that a matcher selects. `everything`: all values, so no condition is needed. `unknown`: a regular
 * expression that a list of values cannot express.
 */
export function matchedValues({ operator, value }: Matcher): MatchedValues | 'everything' | 'unknown' {
  if (operator === '=' || operator === '!=') {
    if (value === '') {
      // `x=""` selects series without the label, `x!=""` all that have it: neither is a condition on flows.
      return operator === '=' ? 'unknown' : 'everything';
    }
    return { values: [value], negated: operator === '!=', widened: false };
  }
  const negated = operator === '!~';
  if (/^(\.[*+]|)$/.test(value)) {
    return negated ? 'unknown' : 'everything';
  }
  const alternatives = splitAlternatives(value);
  const literals = alternatives.map(literal);
  if (literals.every((text) => text !== undefined)) {
    return { values: literals, negated, widened: false };
  }
  const prefixes = alternatives.map(literalPrefix);
  // A prefix selects more; negated it would select less.
  if (negated || prefixes.some((text) => text.length < 2)) {
    return 'unknown';
  }
  return { values: prefixes, negated, widened: true };
}

/** The alternatives of `a|b` or `(a|b)`; a nested group stays whole. */
function splitAlternatives(pattern: string): string[] {
  const body = /^\((?:\?:)?([^()]*)\)$/.exec(pattern)?.[1] ?? pattern;
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  for (let at = 0; at < body.length; at += 1) {
    const letter = body.charAt(at);
    if (letter === '\\') {
      part += letter + body.charAt(at + 1);
      at += 1;
    } else if (letter === '|' && depth === 0) {
      parts.push(part);
      part = '';
    } else {
      depth += '([{'.includes(letter) ? 1 : 0;
      depth -= ')]}'.includes(letter) ? 1 : 0;
      part += letter;
    }
  }
  return [...parts, part];
}

/** The only text that a pattern matches; undefined where it matches several. */
function literal(pattern: string): string | undefined {
  const { text, whole } = readLiteral(pattern);
  return whole && text !== '' ? text : undefined;
}

/** The common prefix of all texts that a pattern matches. */
function literalPrefix(pattern: string): string {
  return readLiteral(pattern).text;
}

/** The literal text at the start of a pattern; `whole` where that is all of it. */
function readLiteral(pattern: string): { text: string; whole: boolean } {
  let text = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const letter = pattern.charAt(at);
    const next = pattern.charAt(at + 1);
    if (letter === '\\' && /[^\w]/.test(next)) {
      text += next;
      at += 1;
    } else if (special.test(letter)) {
      // The letter before `?`, `*` and `{` is optional.
      return { text: '?*{'.includes(letter) ? text.slice(0, -1) : text, whole: false };
    } else {
      text += letter;
    }
  }
  return { text, whole: true };
}
