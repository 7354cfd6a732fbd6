/** The kind of word that may stand at the cursor of a PromQL expression, which may be incomplete. */
export type Situation =
  /** A metric, a function, a keyword, a duration. */
  | { kind: 'word' }
  /** The name of a label, of one metric or of any. */
  | { kind: 'labelName'; metric?: string }
  /** The value of a label; `typed` is the part that stands there already. */
  | { kind: 'labelValue'; label: string; metric?: string; typed: string };

const openGrouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*$/;

/** The situation at the end of `before`, the text before the cursor. */
export function situationAt(before: string): Situation {
  let brace: number | undefined;
  let string: number | undefined;
  for (let at = 0; at < before.length; at++) {
    const char = before.charAt(at);
    if (string !== undefined) {
      if (char === '\\' && before.charAt(string) !== '`') {
        at++;
      } else if (char === before.charAt(string)) {
        string = undefined;
      }
    } else if (char === '"' || char === "'" || char === '`') {
      string = at;
    } else if (char === '#') {
      const end = before.indexOf('\n', at);
      at = end === -1 ? before.length : end;
    } else if (char === '{') {
      brace = at;
    } else if (char === '}') {
      brace = undefined;
    }
  }
  if (brace === undefined) {
    return string === undefined && openGrouping.test(before) ? { kind: 'labelName' } : { kind: 'word' };
  }
  const metric = /([a-zA-Z_:][\w:]*)\s*$/.exec(before.slice(0, brace))?.[1];
  if (string === undefined) {
    // After a name comes an operator, which is typed faster than chosen.
    return /[{,]\s*\w*$/.test(before.slice(brace)) ? { kind: 'labelName', metric } : { kind: 'word' };
  }
  const label = /(\w+)\s*(?:=~|!~|!=|=)\s*$/.exec(before.slice(brace, string))?.[1];
  return label === undefined
    ? { kind: 'word' }
    : { kind: 'labelValue', label, metric, typed: before.slice(string + 1) };
}

/** The variable query for the words of a situation. */
export function queryFor(situation: Exclude<Situation, { kind: 'word' }>): string {
  const { metric } = situation;
  if (situation.kind === 'labelName') {
    return `label_names(${metric ?? ''})`;
  }
  return metric ? `label_values(${metric}, ${situation.label})` : `label_values(${situation.label})`;
}
