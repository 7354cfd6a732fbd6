import type { PoliciesState } from '../flowsState';
import { noticesOfPolicies } from './notices';

const refused = (line: number, isPolicy = true) => ({
  document: line,
  name: '',
  file: 'a.yaml',
  line,
  isPolicy,
  refusal: 'refused by the API server',
  reason: 'unknown field',
});

const state = (given: Partial<PoliciesState>) => ({ notices: [], refused: [], ...given }) as unknown as PoliciesState;

test.each<[string, PoliciesState, string | undefined, string[]]>([
  ['none without policies', state({}), undefined, []],
  ['the problem first', state({ problem: 'no folder' }), 'no namespace', ['no folder', 'no namespace']],
  [
    'warnings and errors of the answer, without information',
    state({
      notices: [
        { severity: 'info', text: 'read' },
        { severity: 'warning', text: 'one file is missing' },
      ],
    }),
    undefined,
    ['one file is missing'],
  ],
  [
    'refused policies, without other documents',
    state({ refused: [refused(3), refused(9, false)] as never }),
    undefined,
    ['a.yaml, line 3: refused by the API server: unknown field'],
  ],
])('%s', (_, policies, unplaced, expected) => {
  expect(noticesOfPolicies(policies, unplaced).map((notice) => notice.text)).toEqual(expected);
});

test('of many refused policies, the first five and the number of the others', () => {
  const many = state({ refused: [1, 2, 3, 4, 5, 6, 7].map((line) => refused(line)) as never });
  const texts = noticesOfPolicies(many, undefined).map((notice) => notice.text);
  expect(texts).toHaveLength(6);
  expect(texts.at(-1)).toBe('2 more policies are refused');
});
