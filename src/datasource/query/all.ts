import { allChoices, isFilterField, nameScopes, type FilterField } from './fields';

/** Stands in a text where a variable's choice "All" does; it occurs in no name. */
export const any = '\u0001';

/** What dashboards write for "All" themselves, as a custom value of a variable. */
const customAll: ReadonlySet<string> = new Set([...allChoices, '*']);

export function isCustomAll(value: string): boolean {
  return customAll.has(value);
}

/** How a field's values are compared with what flows hold. */
type Match = 'prefix' | 'workload' | 'pattern' | 'regex' | 'labels' | 'type' | 'exact';

const matches: Partial<Record<string, Match>> = {
  pod: 'prefix',
  service: 'prefix',
  workload: 'workload',
  nodename: 'pattern',
  cluster: 'pattern',
  fqdn: 'pattern',
  httppath: 'regex',
  httpurl: 'regex',
  label: 'labels',
  nodelabel: 'labels',
  type: 'type',
};

function matchOf(field: FilterField | undefined): Match {
  return matches[(field ?? '').replace(/^(?:from|to)(?=[A-Z])/, '').toLowerCase()] ?? 'exact';
}

/**
 * A value of a field without the parts that stand for "All"; the other parts hold. Undefined where
 * nothing is left to ask for.
 */
export function withoutAny(text: string, field: FilterField | undefined): string | undefined {
  if (!text.includes(any)) {
    return text;
  }
  if (text === any) {
    return undefined;
  }
  const found = partly(text, matchOf(field));
  if (found === 'cannot') {
    const shown = text.replaceAll(any, 'All');
    throw new Error(
      `All cannot be a part of \`${shown}\`${field ? ` in ${field}` : ''}: choose a value, or take it out`
    );
  }
  return found;
}

function partly(text: string, match: Match): string | undefined {
  const [first = '', second, ...more] = text.split('/');
  const slashed = second !== undefined && more.length === 0;
  switch (match) {
    case 'prefix': {
      // The name is a prefix of what it asks for: what "All" ends needs no end.
      const name = second ?? first;
      const [start = '', ...rest] = name.split(any);
      const scope = first === any ? '' : first;
      if (more.length > 0 || rest.join('') !== '' || (slashed && scope.includes(any))) {
        return 'cannot';
      }
      return slashed ? some(`${scope}/${start}`) : some(start);
    }
    case 'workload': {
      if (!slashed || [first, second].some((part) => part !== any && part.includes(any))) {
        return 'cannot';
      }
      return second === any ? some(first === any ? '' : `${first}/`) : second;
    }
    case 'pattern':
      return some(text.replaceAll(any, '*').replace(/\*+/g, '*'));
    case 'regex':
      return text.replaceAll(any, '.*');
    case 'labels':
      return some(
        requirements(text)
          .filter((requirement) => !requirement.includes(any))
          .join(',')
      );
    case 'type':
      return text.endsWith(`:${any}`) && text.indexOf(any) === text.length - 1 ? text.slice(0, -2) : 'cannot';
    case 'exact':
      return 'cannot';
  }
}

/** Nothing where the text says nothing. */
function some(text: string): string | undefined {
  return /^[*/]*$/.test(text) ? undefined : text;
}

/** The parts of a label selector: `a=b`, `c in (d,e)`. */
function requirements(selector: string): string[] {
  return selector.match(/(?:\([^)]*\)|[^,(])+/g) ?? [];
}

/** Hubble takes a name without a namespace for one of `default`; where all namespaces were chosen, it is of any. */
export function inAnyNamespace(name: string, field: FilterField | undefined, open: ReadonlySet<string>): string {
  const isOpen = nameScopes.some(([own, namespace]) => own === field && open.has(namespace));
  return isOpen && name !== '' && !name.includes('/') && !name.startsWith('$') ? `/${name}` : name;
}

/** The field that a flag of `hubble observe` fills, as `--from-pod`, `-n`, `--pod=`. */
export function fieldOfFlag(flag: string): FilterField | undefined {
  const name = flag.replace(/^[-‐-―−﹣－]+/, '').replace(/=$/, '');
  const long = { n: 'namespace', l: 'label', t: 'type' }[name] ?? name;
  const field = long.replace(/[-‐-―−]([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return isFilterField(field) ? field : undefined;
}
