import { allChoices, isFilterField, nameScopes, type FilterField } from './fields';

/** The placeholder of a variable's "All" within a text. No name contains this character. */
export const allMarker = '\u0001';

/** Values that dashboards define for "All" themselves (*Custom all value*). */
const customAll: ReadonlySet<string> = new Set([...allChoices, '*']);

export function isCustomAll(value: string): boolean {
  return customAll.has(value);
}

/** The way in which Hubble compares a field's values with flows. */
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
 * A value of a field without the parts that stand for "All"; the other parts remain. Undefined where no condition
 * remains.
 */
export function withoutAll(text: string, field: FilterField | undefined): string | undefined {
  if (!text.includes(allMarker)) {
    return text;
  }
  if (text === allMarker) {
    return undefined;
  }
  const found = partly(text, matchOf(field));
  if (found === 'cannot') {
    const shown = text.replaceAll(allMarker, 'All');
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
      // Hubble matches names by prefix: an "All" at the end needs nothing in its place.
      const name = second ?? first;
      const [start = '', ...rest] = name.split(allMarker);
      const scope = first === allMarker ? '' : first;
      if (more.length > 0 || rest.join('') !== '' || (slashed && scope.includes(allMarker))) {
        return 'cannot';
      }
      return slashed ? unlessEverything(`${scope}/${start}`) : unlessEverything(start);
    }
    case 'workload': {
      if (!slashed || [first, second].some((part) => part !== allMarker && part.includes(allMarker))) {
        return 'cannot';
      }
      return second === allMarker ? unlessEverything(first === allMarker ? '' : `${first}/`) : second;
    }
    case 'pattern':
      return unlessEverything(text.replaceAll(allMarker, '*').replace(/\*+/g, '*'));
    case 'regex':
      return text.replaceAll(allMarker, '.*');
    case 'labels':
      return unlessEverything(
        requirements(text)
          .filter((requirement) => !requirement.includes(allMarker))
          .join(',')
      );
    case 'type':
      return text.endsWith(`:${allMarker}`) && text.indexOf(allMarker) === text.length - 1
        ? text.slice(0, -2)
        : 'cannot';
    case 'exact':
      return 'cannot';
  }
}

/** The text; undefined for one that matches everything. */
function unlessEverything(text: string): string | undefined {
  return /^[*/]*$/.test(text) ? undefined : text;
}

/** The parts of a label selector: `a=b`, `c in (d,e)`. */
function requirements(selector: string): string[] {
  return selector.match(/(?:\([^)]*\)|[^,(])+/g) ?? [];
}

/** A name with a leading `/` where all namespaces were chosen: Hubble looks for one without a namespace in `default`. */
export function inAnyNamespace(name: string, field: FilterField | undefined, open: ReadonlySet<string>): string {
  const isOpen = nameScopes.some(([own, namespace]) => own === field && open.has(namespace));
  return isOpen && name !== '' && !name.includes('/') && !name.startsWith('$') ? `/${name}` : name;
}

/** The field of a flag of `hubble observe`, such as `--from-pod`, `-n` or `--pod=`. */
export function fieldOfFlag(flag: string): FilterField | undefined {
  const name = flag.replace(/^[-‐-―−﹣－]+/, '').replace(/=$/, '');
  const long = { n: 'namespace', l: 'label', t: 'type' }[name] ?? name;
  const field = long.replace(/[-‐-―−]([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return isFilterField(field) ? field : undefined;
}
