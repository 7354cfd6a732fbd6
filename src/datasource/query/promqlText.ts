/** What the backend works out from the step and the time range, which the page does not know. */
export const ownVariables =
  /\$(?:(__(?:rate_interval|interval|range)(?:_ms|_s)?)\b|\{(__(?:rate_interval|interval|range)(?:_ms|_s)?)\})/g;

/** For a text in double quotes, or in others. */
export function escapeText(value: string, quote = '"'): string {
  return value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replace(/\n/g, '\\n');
}

/** A text of PromQL, with its quotes. */
export function quoted(value: string): string {
  return `"${escapeText(value)}"`;
}

/** For a regular expression that matches the value and nothing else. */
export function escapeRegex(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** As a label stands in a selector: names beyond the old alphabet are quoted. */
export function labelName(label: string): string {
  return isLegacyName(label) ? label : quoted(label);
}

/** As a label stands in a path of Prometheus' API: its own escaping, for names beyond the old alphabet. */
export function labelInPath(label: string): string {
  if (isLegacyName(label)) {
    return label;
  }
  const escaped = [...label].map((letter, at) => {
    if (letter === '_') {
      return '__';
    }
    return (at === 0 ? /[a-zA-Z]/ : /[a-zA-Z0-9]/).test(letter)
      ? letter
      : `_${(letter.codePointAt(0) ?? 0).toString(16)}_`;
  });
  return `U__${escaped.join('')}`;
}

function isLegacyName(label: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label);
}
