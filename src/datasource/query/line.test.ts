import { lineWithValues } from './line';

const variables: Record<string, string[]> = {
  $one: ['pets'],
  $many: ['pets', 'kube-system'],
  $all: [],
  '${one:raw}': ['pets'],
  '[[one]]': ['pets'],
  $odd: ["a'b; rm -rf /"],
  $unknown: ['$unknown'],
};

/** As a template would: the variable within a text, once for each of its values. */
function valuesOf(text: string): string[] {
  const name = Object.keys(variables).find((name) => text.includes(name));
  return name === undefined ? [text] : variables[name]!.map((value) => text.replace(name, () => value));
}

test.each([
  ['hubble observe -n pets', 'hubble observe -n pets'],
  ['hubble observe -n $one --verdict DROPPED', 'hubble observe -n pets --verdict DROPPED'],
  ['hubble observe -n $many  -t drop', 'hubble observe -n pets -n kube-system  -t drop'],
  ['hubble observe --namespace=$many', 'hubble observe --namespace=pets --namespace=kube-system'],
  ['hubble observe -n$one', 'hubble observe -npets'],
  ["hubble observe --pod '$one/web' -n x", 'hubble observe --pod pets/web -n x'],
  ['hubble observe --pod "${one:raw}/web"', 'hubble observe --pod pets/web'],
  ['hubble observe --pod [[one]]/web', 'hubble observe --pod pets/web'],
  ['hubble observe -n $all --verdict DROPPED', 'hubble observe --verdict DROPPED'],
  ['hubble observe --not -n $all -t drop', 'hubble observe -t drop'],
  ['hubble observe --not -n $many -t drop', 'hubble observe --not -n pets --not -n kube-system -t drop'],
  ['hubble observe --http-path $odd', "hubble observe --http-path 'a'\\''b; rm -rf /'"],
  ['hubble observe -n $unknown', "hubble observe -n '$unknown'"],
  ['hubble observe \\\n  -n $one \\\n  -f', 'hubble observe \\\n  -n pets \\\n  -f'],
  ['', ''],
])('%j becomes %j', (line, expected) => {
  expect(lineWithValues(line, valuesOf)).toBe(expected);
});
