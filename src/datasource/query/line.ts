/** A variable, as Grafana writes it. */
const variable = /\$\w+|\$\{[^}]*\}|\[\[[^\]]*\]\]/;

/** A word of a shell with the space before it: text in quotes, or anything but space and quotes. */
const words = /(\s*)((?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s'"\\])+)/g;

interface Word {
  before: string;
  text: string;
}

/**
 * A `hubble observe …` line with its variables replaced. A flag is repeated for each of several
 * values, and left out where a variable stands for all of them, together with its `--not`.
 */
export function lineWithValues(line: string, valuesOf: (value: string) => string[]): string {
  if (!variable.test(line)) {
    return line;
  }
  const out: Word[] = [];
  let end = 0;
  for (const match of line.matchAll(words)) {
    const [whole, before = '', text = ''] = match;
    end = match.index + whole.length;
    if (!variable.test(text)) {
      out.push({ before, text });
      continue;
    }
    const [bound, value] = boundFlag(text);
    const flag = bound ?? (isFlag(out.at(-1)) ? out.pop() : undefined);
    const values = valuesOf(unquoted(value));
    if (flag === undefined) {
      out.push(...values.map((text, at) => ({ before: at === 0 ? before : ' ', text })));
      continue;
    }
    const not = out.at(-1)?.text === '--not' ? out.pop() : undefined;
    const own = typeof flag === 'string' ? { before, text: flag } : flag;
    const joint = typeof flag === 'string' ? '' : before;
    values.forEach((text, at) => {
      const first = at === 0 ? (not?.before ?? own.before) : ' ';
      if (not) {
        out.push({ before: first, text: not.text });
      }
      out.push({ before: not ? (at === 0 ? own.before : ' ') : first, text: `${own.text}${joint}${quoted(text)}` });
    });
  }
  return out.map(({ before, text }) => before + text).join('') + line.slice(end);
}

/** The flag that a value is bound to, with what binds it: `--pod=x`, `-nx`. */
function boundFlag(word: string): [string | undefined, string] {
  const long = /^(--[\w-]+=)([\s\S]*)$/.exec(word) ?? /^(-[A-Za-z0-9]=?)(\S[\s\S]*)$/.exec(word);
  return long ? [long[1], long[2] ?? ''] : [undefined, word];
}

function isFlag(word: Word | undefined): boolean {
  return word !== undefined && /^--?[A-Za-z0-9][\w-]*$/.test(word.text) && word.text !== '--not';
}

function unquoted(word: string): string {
  const inner = /^'([^']*)'$/.exec(word)?.[1];
  return inner ?? /^"((?:\\[\s\S]|[^"\\])*)"$/.exec(word)?.[1]?.replace(/\\(["\\$`])/g, '$1') ?? word;
}

/** A value comes from the cluster or from a stranger: it must stay one word. */
function quoted(value: string): string {
  return /^[\w./:=,@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
