import { getPanelOptionsWithDefaults, standardEditorsRegistry, type PanelOptionsEditorBuilder } from '@grafana/data';
import { render, screen } from '@testing-library/react';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { packed, props } from '../../tests/frontend/flowsPanel';
import { FlowsPanel } from './FlowsPanel';
import { plugin } from './module';
import type { FlowsPanelOptions } from './options';
import { zoneOf } from './table/cells';
import { columns } from './table/columns';
import { testIds } from './testIds';

jest.mock('./engine/startEngine');

// Grafana registers the editors when it starts.
standardEditorsRegistry.setInit(() =>
  ['multi-select', 'radio', 'text'].map((id) => ({ id, name: id, editor: () => null }))
);

/** The options of a panel in a stored dashboard, and their effect. */
interface Saved {
  options: Partial<FlowsPanelOptions>;
  shows: { columns: string[]; rowHeight: number; zone: string; widths?: Record<string, number> };
}

const lines = readFileSync(join(__dirname, '../../tests/vectors/saved/panel-options.jsonl'), 'utf8');
const saved = lines
  .trim()
  .split('\n')
  .map((line): [string, Saved] => [line.slice(0, 100), JSON.parse(line)]);

test.each(saved)('saved options %s… are read', async (_, { options: stored, shows }) => {
  const merged = getPanelOptionsWithDefaults({
    plugin,
    currentOptions: stored,
    currentFieldConfig: { defaults: {}, overrides: [] },
    isAfterPluginChange: false,
  });
  const options = merged.options as unknown as FlowsPanelOptions;
  expect(options).toMatchObject(stored);
  render(<FlowsPanel {...props({ series: [packed()] }, options)} timeZone="America/New_York" />);
  await screen.findByTestId(testIds.grid);

  const headers = screen.getAllByRole('columnheader').map((header) => header.textContent);
  expect(headers).toEqual(shows.columns.map((id) => columns.find((column) => column.id === id)?.title));
  expect(screen.getAllByTestId(testIds.row)[0]).toHaveStyle({ height: `${shows.rowHeight}px` });
  for (const [column, width] of Object.entries(shows.widths ?? {})) {
    expect(screen.getByTestId(testIds.header(column)).parentElement).toHaveStyle({ width: `${width}px` });
  }
  expect(zoneOf(options.timeColumnZone, 'America/New_York')).toBe(shows.zone);
});

test('every saved option has its editor, except what is set in the table', () => {
  const paths: string[] = [];
  const builder = new Proxy({}, { get: () => (item: { path: string }) => (paths.push(item.path), builder) });
  plugin.getPanelOptionsSupplier()(builder as PanelOptionsEditorBuilder<FlowsPanelOptions>, { data: [] });
  const names = saved.flatMap(([, { options }]) => Object.keys(options));
  expect([...new Set(names)].filter((name) => !paths.includes(name))).toEqual([
    'columnWidths',
    'pinnedColumns',
    'view',
  ]);
});
