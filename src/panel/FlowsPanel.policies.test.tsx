import { createDataFrame, FieldType } from '@grafana/data';
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { cells, packed, policies, policiesOf, shown } from '../../tests/frontend/flowsPanel';
import { labPolicies, labRows } from '../../tests/frontend/wasm';
import { testIds } from './testIds';
import { text } from './text';

jest.mock('./engine/startEngine');

test('policies judge every flow; a refused one is a notice; the drawer shows the reasons', async () => {
  const user = userEvent.setup();
  await shown({ series: [packed(), policies] });
  await waitFor(() => expect(cells('agreement').some((cell) => cell !== '')).toBe(true));
  expect(screen.getByTestId(testIds.notices)).toHaveTextContent(
    /all\.yaml, line \d+: The API server refuses this policy/
  );

  const all = cells('agreement').length;
  const chip = screen.getByTestId(testIds.agreement('cannot tell'));
  await user.click(chip);
  await waitFor(() => expect(cells('agreement').length).toBeLessThan(all));
  expect(new Set(cells('agreement'))).toEqual(new Set(['cannot tell']));
  await user.click(chip);
  await waitFor(() => expect(cells('agreement')).toHaveLength(all));

  fireEvent.click(screen.getAllByTestId(testIds.row)[0] as HTMLElement);
  expect(await screen.findByTestId(testIds.policySentence)).toHaveTextContent(/Observed: .*Computed: /);
  expect(document.querySelector('script')).toBeNull();
});

test('policies without a namespace show a notice, unless data source or panel set one', async () => {
  const unplaced = (namespace?: string) =>
    createDataFrame({
      meta: { custom: { policies: 'k8snet-policies/1', namespace } },
      fields: [
        { name: 'file', type: FieldType.string, values: ['a.yaml'] },
        { name: 'modified', type: FieldType.time, values: [1_000] },
        {
          name: 'text',
          type: FieldType.string,
          values: [
            'apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\nspec: {endpointSelector: {}, ingress: [{}]}\n',
          ],
        },
      ],
    });
  const notice = /1 policy has no namespace and is assumed to be in `default`/;
  const first = await shown({ series: [packed(), unplaced()] });
  await waitFor(() => expect(screen.getByTestId(testIds.notices)).toHaveTextContent(notice));
  first.unmount();
  for (const [namespace, own] of [
    ['pets', undefined],
    [undefined, 'pets'],
  ] as const) {
    const { unmount } = await shown({ series: [packed(), unplaced(namespace)] }, { policiesNamespace: own });
    await waitFor(() => expect(cells('agreement').some((cell) => cell !== '')).toBe(true));
    expect(screen.queryByText(notice)).not.toBeInTheDocument();
    unmount();
  }
});

test('a flow that the policies deny gets its smallest fix, and the policies are checked', async () => {
  const user = userEvent.setup();
  await shown({ series: [packed(), policies] });
  await user.click(await screen.findByTestId(testIds.agreement('differs')));
  await waitFor(() => expect(new Set(cells('agreement'))).toEqual(new Set(['differs'])));
  fireEvent.click(screen.getAllByTestId(testIds.row)[0] as HTMLElement);
  await user.click(await screen.findByTestId(testIds.askFix));
  await waitFor(() => expect(screen.getByTestId(testIds.fixCode)).toHaveTextContent('kind: CiliumNetworkPolicy'));
  expect(screen.getByTestId(testIds.alsoAllowed)).toBeInTheDocument();
  expect(screen.getByTestId(testIds.fix)).toHaveFocus();

  await user.click(screen.getByTestId(testIds.openCheck));
  const found = await screen.findAllByTestId(testIds.finding);
  expect(found.map((item) => item.textContent).join()).toContain('unknown-field');
});

test('a connection without flows is checked, and a fix allows each of its steps', async () => {
  const user = userEvent.setup();
  const file = labPolicies('acns-network-policy.yaml');
  const lab = createDataFrame({
    meta: { custom: { policies: 'k8snet-policies/1', namespace: 'pets' } },
    fields: [
      { name: 'file', type: FieldType.string, values: [file.name] },
      { name: 'modified', type: FieldType.time, values: [1_000] },
      { name: 'text', type: FieldType.string, values: [file.text] },
    ],
  });
  await shown({ series: [packed(labRows()), lab] });
  await user.click(await screen.findByTestId(testIds.openCheck));
  const form = within(await screen.findByTestId(testIds.ask));
  const ask = async (from: string, to: string) => {
    for (const [label, value] of [
      [text.ask.from, from],
      [text.ask.to, to],
    ] as const) {
      await user.clear(form.getByLabelText(label));
      await user.type(form.getByLabelText(label), value);
    }
    await user.keyboard('{Enter}');
  };
  expect(form.getByRole('button', { name: text.ask.ask })).toBeDisabled();
  await ask('pets/order-service', 'product-service');
  expect(await form.findByText(/`product-service` has no port/)).toBeInTheDocument();

  await ask('pets/order-service', 'product-service:3002');
  await form.findByTestId(testIds.askAnswer);
  const steps = form.getAllByTestId(testIds.askStep).map((step) => step.textContent);
  expect(steps).toEqual([
    expect.stringMatching(/^DNS product-service\.pets\.svc\.cluster\.local denied.*acns-network-policy\.yaml, line 39/),
    expect.stringMatching(/^egress  denied.*acns-network-policy\.yaml, line 39/),
    expect.stringMatching(/^ingress  denied.*acns-network-policy\.yaml, line 56/),
  ]);
  await user.click(form.getByTestId(testIds.askFix));
  await waitFor(() => expect(form.getAllByTestId(testIds.fixCode)[0]).toHaveTextContent('product-service'));

  await ask('store-front', '10.0.0.22:3002');
  await waitFor(() => expect(form.getAllByTestId(testIds.askStep)).toHaveLength(2));
  expect(form.queryByTestId(testIds.fix)).not.toBeInTheDocument();
});

test('flows older than their policies are marked, with the time of the change', async () => {
  const user = userEvent.setup();
  await shown({ series: [packed(), policiesOf(4_000_000_000_000)] });
  await user.click(await screen.findByTestId(testIds.agreement('judged by later policies')));
  await waitFor(() => expect(new Set(cells('agreement'))).toEqual(new Set(['judged by later policies'])));
  expect(screen.queryByTestId(testIds.agreement('differs'))).not.toBeInTheDocument();
  fireEvent.click(screen.getAllByTestId(testIds.row)[0] as HTMLElement);
  const policy = await screen.findByTestId(testIds.policies);
  await waitFor(() => expect(policy).toHaveTextContent(/judged by later policies \(changed 2096-10-02 \d\d:06:40\)/));
});

test('without policies there is no policies column, and the drawer says how to add some', async () => {
  const { grid } = await shown();
  expect(within(grid).queryByText(text.columns.agreement)).not.toBeInTheDocument();
  fireEvent.click(screen.getAllByTestId(testIds.row)[0] as HTMLElement);
  expect(await screen.findByTestId(testIds.policies)).toHaveTextContent(text.policies.none);
});
