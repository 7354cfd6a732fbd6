import { variableCall, variableCallText } from './query';

test.each([
  ['namespaces()', 'namespaces()', { pattern: '' }],
  ['pods($ns)', 'pods($ns)', { namespace: '$ns', workload: '', pattern: '' }],
  [
    ' pods( {a,b} , $w , store-* ) ',
    'pods({a,b}, $w, store-*)',
    { namespace: '{a,b}', workload: '$w', pattern: 'store-*' },
  ],
  ['pods(, , x)', 'pods(, , x)', { namespace: '', workload: '', pattern: 'x' }],
  ['workloads(${ns:pipe})', 'workloads(${ns:pipe})', { namespace: '${ns:pipe}', pattern: '' }],
  ['drop_reasons((A|B))', 'drop_reasons((A|B))', { pattern: '(A|B)' }],
])('%j is a call', (text, again, expected) => {
  const call = variableCall(text);
  expect(call?.arguments).toEqual(expected);
  expect(call && variableCallText(call)).toBe(again);
});

test.each(['', 'label_values(x, y)', 'pods(a, b, c, d)', 'pods', 'constructor()'])('%j is no call', (text) => {
  expect(variableCall(text)).toBeUndefined();
});
