import type { Matcher } from './selectors';

/** What a matcher asks of a label, as far as a flow filter can say it. */
export interface Asked {
  values: string[];
  /** Everything but these values is asked for. */
  negated: boolean;
  /** The values are beginnings of what the matcher asks for, or more than it asks for. */
  widened: boolean;
}

/** Characters that mean something in a regular expression. */
const special = /[\\^$.|?*+()[\]{}]/;

/**
 * The values that a matcher asks for. `everything`: any value will do, so nothing is to be carried over.
 * `unknown`: a regular expression that a list of values cannot say.
 */
export function askedBy({ operator, value }: Matcher): Asked | 'everything' | 'unknown' {
  if (operator === '=' || operator === '!=') {
    if (value === '') {
      // `x=""` asks for series without the label, `x!=""` for any that have it: neither names a flow.
      return operator === '=' ? 'unknown' : 'everything';
    }
    return { values: [value], negated: operator === '!=', widened: false };
  }
  const negated = operator === '!~';
  if (/^(\.[*+]|)$/.test(value)) {
    return negated ? 'unknown' : 'everything';
  }
  const alternatives = split(value);
  const literals = alternatives.map(literal);
  if (literals.every((text) => text !== undefined)) {
    return { values: literals, negated, widened: false };
  }
  const beginnings = alternatives.map(beginning);
  // A beginning asks for more; of "everything but" that would be less.
  if (negated || beginnings.some((text) => text.length < 2)) {
    return 'unknown';
  }
  return { values: beginnings, negated, widened: true };
}

/** The alternatives of `a|b` or `(a|b)`, the parts of one group staying together. */
function split(pattern: string): string[] {
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

/** The text that is all a pattern matches, if it matches one text only. */
function literal(pattern: string): string | undefined {
  const { text, whole } = read(pattern);
  return whole && text !== '' ? text : undefined;
}

/** The text with which everything begins that a pattern matches. */
function beginning(pattern: string): string {
  return read(pattern).text;
}

/** The letters of a pattern up to the first that stands for something else; `whole` if there is none. */
function read(pattern: string): { text: string; whole: boolean } {
  let text = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const letter = pattern.charAt(at);
    const next = pattern.charAt(at + 1);
    if (letter === '\\' && /[^\w]/.test(next)) {
      text += next;
      at += 1;
    } else if (special.test(letter)) {
      // The letter before `?`, `*` and `{` need not be there.
      return { text: '?*{'.includes(letter) ? text.slice(0, -1) : text, whole: false };
    } else {
      text += letter;
    }
  }
  return { text, whole: true };
}
