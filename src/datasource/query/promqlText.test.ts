import { labelInPath, labelName } from './promqlText';

test.each([
  ['pod', 'pod', 'pod'],
  ['_pod_1', '_pod_1', '_pod_1'],
  ['app.kubernetes.io/name', '"app.kubernetes.io/name"', 'U__app_2e_kubernetes_2e_io_2f_name'],
  ['a_b.c', '"a_b.c"', 'U__a__b_2e_c'],
  ['1a', '"1a"', 'U___31_a'],
  ['größe', '"größe"', 'U__gr_f6__df_e'],
  ['quo"te', '"quo\\"te"', 'U__quo_22_te'],
])('label %s is %s in a selector and %s in a path', (label, selector, path) => {
  expect(labelName(label)).toBe(selector);
  expect(labelInPath(label)).toBe(path);
});
