import { fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';

import { testIds } from '../testIds';
import { text } from '../text';
import type { VariableQuery } from './query';
import { VariableEditor } from './VariableEditor';

const suggestions = jest.fn(async () => ({ values: ['pets'], notices: [] }));
const datasource = { suggestions, templateVariables: () => ['$ns'] };

function Page({ initial, onStore }: { initial: VariableQuery | string; onStore(query: VariableQuery): void }) {
  const [query, setQuery] = useState(initial);
  const store = (next: unknown) => {
    setQuery(next as VariableQuery);
    onStore(next as VariableQuery);
  };
  return (
    <VariableEditor query={query as never} onChange={store} datasource={datasource as never} onRunQuery={jest.fn()} />
  );
}

function shown(initial: VariableQuery | string) {
  const onStore = jest.fn();
  render(<Page initial={initial} onStore={onStore} />);
  return onStore;
}

const kind = () => screen.getByRole('combobox', { name: text.variables.kind });

test('a query of Prometheus is one line of text, stored when the field is left', () => {
  const onStore = shown({ refId: 'A', query: 'label_values(up, job)' });
  const line = screen.getByTestId(testIds.variableQuery);
  expect(line).toHaveValue('label_values(up, job)');
  fireEvent.change(line, { target: { value: 'label_values(up, pod)' } });
  expect(onStore).not.toHaveBeenCalled();
  fireEvent.blur(line);
  expect(onStore).toHaveBeenCalledWith({ refId: 'A', query: 'label_values(up, pod)' });
});

test('a plain text of a dashboard written by hand is read', () => {
  shown('pods(pets)');
  expect(kind()).toHaveValue(text.variables.kinds.pods);
});

test('another function keeps the arguments that it has, too', async () => {
  const onStore = shown({ refId: 'A', query: 'pods(pets, shop, s-*)' });
  await userEvent.click(kind());
  await userEvent.click(await screen.findByRole('option', { name: text.variables.kinds.workloads }));
  expect(onStore).toHaveBeenLastCalledWith({ refId: 'A', query: 'workloads(pets, s-*)' });
});

test('a function shows its text, and stays chosen as text', async () => {
  shown({ refId: 'A', query: 'namespaces()' });
  await userEvent.click(kind());
  await userEvent.click(await screen.findByRole('option', { name: new RegExp(text.variables.text) }));
  expect(screen.getByTestId(testIds.variableQuery)).toHaveValue('namespaces()');
});

test('workloads are suggested from the chosen namespace', async () => {
  const onStore = shown({ refId: 'A', query: 'workloads(pets)' });
  await userEvent.type(screen.getByRole('combobox', { name: /^Namespace/ }), 'p');
  expect(await screen.findByRole('option', { name: '$ns' })).toBeInTheDocument();
  expect(suggestions).toHaveBeenLastCalledWith({ field: 'namespace', prefix: 'p', filter: undefined });
  fireEvent.change(screen.getByTestId(testIds.variablePattern), { target: { value: 'store-*' } });
  fireEvent.blur(screen.getByTestId(testIds.variablePattern));
  expect(onStore).toHaveBeenLastCalledWith({ refId: 'A', query: 'workloads(pets, store-*)' });
});
