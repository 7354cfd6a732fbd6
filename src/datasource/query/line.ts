import { fieldOfFlag, inAnyNamespace } from './all';
import type { FilterField } from './fields';

/** A variable in Grafana's syntax. */
const variable = /\$\w+|\$\{[^}]*\}|\[\[[^\]]*\]\]/;

/** A shell word with the space before it: quoted text, text without spaces and quotes, or an unclosed quote. */
const words = /(\s*)((?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|[“„«][^”“»"]*[”“»"]|\\[\s\S]|[^\s'"\\“„«])+|\S)/g;

/** A part of a word: quoted text, or the text between two quotes. */
const wordParts = /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|[“„«]([^”“»"]*)[”“»"]|\\([\s\S])|([^'"\\“„«]+|[\s\S])/g;

const dashes = '[-‐-―−﹣－]';
const boundFlags = [
  new RegExp(`^(${dashes}{1,2}[A-Za-z0-9][\\w‐-―−-]+=)([\\s\\S]*)$`),
  new RegExp(`^(${dashes}[A-Za-z0-9]=?)(\\S[\\s\\S]*)$`),
];
const flagAlone = new RegExp(`^${dashes}{1,2}[A-Za-z0-9][\\w‐-―−-]*$`);

interface Word {
  before: string;
  text: string;
}

/** The values that a value with variables expands to; none for "All". */
export type ValuesOf = (value: string, field: FilterField | undefined, flag: string | undefined) => string[];

/**
 * A `hubble observe …` line with its variables replaced. A flag is repeated for each of several values, and left out
 * with its `--not` where a variable is at "All".
 */
export function lineWithValues(line: string, valuesOf: ValuesOf): string {
  if (!variable.test(line)) {
    return line;
  }
  const out: Word[] = [];
  const open = openNamespaces(line, valuesOf);
  let end = 0;
  for (const match of line.matchAll(words)) {
    const [whole, before = '', text = ''] = match;
    end = match.index + whole.length;
    const [bound, value] = boundFlag(text);
    const flag = bound ?? (isFlag(out.at(-1)) ? out.at(-1)?.text : undefined);
    const field = flag === undefined ? undefined : fieldOfFlag(flag);
    if (!variable.test(text)) {
      const name = unquoteWord(value);
      const placed = inAnyNamespace(name, field, open);
      out.push({ before, text: placed === name ? text : `${bound ?? ''}${quoteForShell(placed)}` });
      continue;
    }
    const inner = bound === undefined ? command(text, valuesOf) : undefined;
    if (inner !== undefined) {
      out.push({ before, text: inner });
      continue;
    }
    const own = bound === undefined && flag !== undefined ? out.pop() : undefined;
    const values = valuesOf(unquoteWord(value), field, flag).map((text) => inAnyNamespace(text, field, open));
    if (flag === undefined && values.length === 1 && values[0] === unquoteWord(value)) {
      out.push({ before, text });
      continue;
    }
    if (flag === undefined) {
      out.push(...values.map((text, at) => ({ before: at === 0 ? before : ' ', text })));
      continue;
    }
    const not = out.at(-1)?.text === '--not' ? out.pop() : undefined;
    const start = own?.before ?? before;
    const joint = own ? before : '';
    values.forEach((text, at) => {
      const first = at === 0 ? (not?.before ?? start) : ' ';
      if (not) {
        out.push({ before: first, text: not.text });
      }
      out.push({ before: not ? (at === 0 ? start : ' ') : first, text: `${flag}${joint}${quoteForShell(text)}` });
    });
  }
  return out.map(({ before, text }) => before + text).join('') + line.slice(end);
}

/** The namespace fields of a line whose variable is at "All". */
function openNamespaces(line: string, valuesOf: ValuesOf): ReadonlySet<string> {
  const open = new Set<string>();
  let last = '';
  let beforeLast = '';
  for (const [, , text = ''] of line.matchAll(words)) {
    const [bound, value] = boundFlag(text);
    const field = fieldOfFlag(bound ?? last);
    const isExcluded = (bound === undefined ? beforeLast : last) === '--not';
    if (field && /namespace$/i.test(field) && !isExcluded && variable.test(value)) {
      if (valuesOf(unquoteWord(value), field, bound ?? last).length === 0) {
        open.add(field);
      }
    }
    [beforeLast, last] = [last, text];
  }
  return open;
}

/** A command within a word of another command: `bash -c 'hubble observe -n $ns'`. */
function command(text: string, valuesOf: ValuesOf): string | undefined {
  const inner = unquoteWord(text);
  if (!/\s/.test(inner) || !/\bobserve\b/i.test(inner)) {
    return undefined;
  }
  const replaced = lineWithValues(inner, valuesOf);
  const quote = text[0] ?? '';
  const isSame = text === quote + inner + quote && !replaced.includes(quote) && !replaced.includes('\\');
  return isSame ? quote + replaced + quote : `'${replaced.replaceAll("'", "'\\''")}'`;
}

/** The flag in front of a value within one word, and the value: `--pod=x`, `-nx`. */
function boundFlag(word: string): [string | undefined, string] {
  for (const bound of boundFlags) {
    const [, flag, value = ''] = bound.exec(word) ?? [];
    if (flag !== undefined) {
      return [flag, value];
    }
  }
  return [undefined, word];
}

function isFlag(word: Word | undefined): boolean {
  return word !== undefined && flagAlone.test(word.text) && word.text !== '--not';
}

function unquoteWord(word: string): string {
  return word.replace(
    wordParts,
    (_, single?: string, double?: string, typographic?: string, escaped?: string, plain?: string) =>
      single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? typographic ?? escaped ?? plain ?? ''
  );
}

/** A value as one shell word, whatever it contains. */
export function quoteForShell(value: string): string {
  return /^[\w./:=,@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
