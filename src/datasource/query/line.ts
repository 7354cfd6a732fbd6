import { fieldOfFlag, inAnyNamespace } from './all';
import type { FilterField } from './fields';

/** A variable, as Grafana writes it. */
const variable = /\$\w+|\$\{[^}]*\}|\[\[[^\]]*\]\]/;

/** A word of a shell with the space before it: text in quotes, or anything but space and quotes; or a quote that nothing closes. */
const words = /(\s*)((?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|[“„«][^”“»"]*[”“»"]|\\[\s\S]|[^\s'"\\“„«])+|\S)/g;

/** A part of a word in quotes, or what stands between two of them. */
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

/** The texts that a value with variables stands for; none where it stands for all there are. */
export type ValuesOf = (value: string, field: FilterField | undefined, flag: string | undefined) => string[];

/**
 * A `hubble observe …` line with its variables replaced. A flag is repeated for each of several
 * values, and left out where a variable stands for all of them, together with its `--not`.
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
      const name = unquoted(value);
      const placed = inAnyNamespace(name, field, open);
      out.push({ before, text: placed === name ? text : `${bound ?? ''}${quoted(placed)}` });
      continue;
    }
    const inner = bound === undefined ? command(text, valuesOf) : undefined;
    if (inner !== undefined) {
      out.push({ before, text: inner });
      continue;
    }
    const own = bound === undefined && flag !== undefined ? out.pop() : undefined;
    const values = valuesOf(unquoted(value), field, flag).map((text) => inAnyNamespace(text, field, open));
    if (flag === undefined && values.length === 1 && values[0] === unquoted(value)) {
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
      out.push({ before: not ? (at === 0 ? start : ' ') : first, text: `${flag}${joint}${quoted(text)}` });
    });
  }
  return out.map(({ before, text }) => before + text).join('') + line.slice(end);
}

/** The namespaces' fields that a line leaves open: a variable stands for all of them. */
function openNamespaces(line: string, valuesOf: ValuesOf): ReadonlySet<string> {
  const open = new Set<string>();
  let last = '';
  let beforeLast = '';
  for (const [, , text = ''] of line.matchAll(words)) {
    const [bound, value] = boundFlag(text);
    const field = fieldOfFlag(bound ?? last);
    const isExcluded = (bound === undefined ? beforeLast : last) === '--not';
    if (field && /namespace$/i.test(field) && !isExcluded && variable.test(value)) {
      if (valuesOf(unquoted(value), field, bound ?? last).length === 0) {
        open.add(field);
      }
    }
    [beforeLast, last] = [last, text];
  }
  return open;
}

/** A command within a word of another one: `bash -c 'hubble observe -n $ns'`. */
function command(text: string, valuesOf: ValuesOf): string | undefined {
  const inner = unquoted(text);
  if (!/\s/.test(inner) || !/\bobserve\b/i.test(inner)) {
    return undefined;
  }
  const replaced = lineWithValues(inner, valuesOf);
  const quote = text[0] ?? '';
  const isSame = text === quote + inner + quote && !replaced.includes(quote) && !replaced.includes('\\');
  return isSame ? quote + replaced + quote : `'${replaced.replaceAll("'", "'\\''")}'`;
}

/** The flag that a value is bound to, with what binds it: `--pod=x`, `-nx`. */
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

function unquoted(word: string): string {
  return word.replace(
    wordParts,
    (_, single?: string, double?: string, typographic?: string, escaped?: string, plain?: string) =>
      single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? typographic ?? escaped ?? plain ?? ''
  );
}

/** A value comes from the cluster or from a stranger: it must stay one word. */
function quoted(value: string): string {
  return /^[\w./:=,@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
