// Strings and names of PromQL. `@grafana/prometheus` has such functions too, but pins `@grafana/ui` to one version and
// brings Monaco (5 MB) for 40 lines.

/** Variables that the backend replaces, since they follow from its step. */
export const ownVariables =
  /\$(?:(__(?:rate_interval|interval|range)(?:_ms|_s)?)\b|\{(__(?:rate_interval|interval|range)(?:_ms|_s)?)\})/g;

/** A text escaped for the inside of a PromQL string. */
export function escapeText(value: string, quote = '"'): string {
  return value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replace(/\n/g, '\\n');
}

/** A text as a PromQL string in double quotes. */
export function quoteString(value: string): string {
  return `"${escapeText(value)}"`;
}

/** A text as a regular expression that matches only it. */
export function escapeRegex(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A label name in a selector; quoted where it is not a legacy name. */
export function labelName(label: string): string {
  return isLegacyName(label) ? label : quoteString(label);
}

/** A label name in a path of Prometheus' API; escaped by Prometheus' own scheme where it is not a legacy name. */
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
