import { createDataFrame, FieldType } from '@grafana/data';

import { readPolicies, sameFiles } from './policyFrames';

const frame = createDataFrame({
  meta: {
    custom: { policies: 'k8snet-policies/1', changed: 1_700_000_000_001, namespace: 'pets' },
    notices: [{ severity: 'warning', text: 'one was left out' }],
  },
  fields: [
    { name: 'file', type: FieldType.string, values: ['a.yaml', 'data source settings'] },
    { name: 'modified', type: FieldType.time, values: [1_700_000_000_000, null] },
    { name: 'text', type: FieldType.string, values: ['kind: A', 'kind: B'] },
  ],
});

test('policy files are read from their frames', () => {
  expect(readPolicies([])).toBeUndefined();
  expect(readPolicies([createDataFrame({ fields: [] })])).toBeUndefined();
  expect(readPolicies([frame])).toEqual({
    files: [
      { name: 'a.yaml', text: 'kind: A', modifiedMs: 1_700_000_000_000, folderMs: 1_700_000_000_001 },
      { name: 'data source settings', text: 'kind: B', modifiedMs: Number.NaN, folderMs: 1_700_000_000_001 },
    ],
    notices: [{ severity: 'warning', text: 'one was left out' }],
    namespace: 'pets',
  });
});

test('data sources with different namespaces have no common one', () => {
  const other = { ...frame, meta: { custom: { policies: 'k8snet-policies/1', namespace: 'shop' } } };
  const answer = readPolicies([frame, other]);
  expect(answer?.namespace).toBe('');
  expect(answer?.notices.at(-1)?.text).toContain('pets, shop');
  expect(readPolicies([frame, frame])?.namespace).toBe('pets');
});

test('files are compared by name, text and time', () => {
  const files = readPolicies([frame])?.files ?? [];
  expect(sameFiles(files, readPolicies([frame])?.files ?? [])).toBe(true);
  expect(sameFiles(files, [])).toBe(false);
  expect(
    sameFiles(
      files,
      files.map((file) => ({ ...file, modifiedMs: 1 }))
    )
  ).toBe(false);
  expect(
    sameFiles(
      files,
      files.map((file) => ({ ...file, text: '' }))
    )
  ).toBe(false);
  expect(
    sameFiles(
      files,
      files.map((file) => ({ ...file, folderMs: 1 }))
    )
  ).toBe(false);
});
