import { CoreApp } from '@grafana/data';
import { render, screen } from '@testing-library/react';
import type { ComponentType } from 'react';

import { plugin } from './module';
import { testIds } from './testIds';
import { text } from './text';
import { HubbleVariables } from './variables/HubbleVariables';

const datasource = {
  templateVariables: () => [],
  suggestions: async () => ({ values: [] }),
};

const settings = { url: '', jsonData: {}, secureJsonFields: {}, secureJsonData: {}, readOnly: false };

const { components } = plugin;
const { editor } = new HubbleVariables(datasource as never);

test.each([
  ['query editor', components.QueryEditor, text.lazy.editor, testIds.queryEditor],
  ['settings', components.ConfigEditor, text.lazy.settings, testIds.config.address],
  ['help', components.QueryEditorHelp, text.lazy.help, testIds.help],
  ['variable editor', editor, text.lazy.variable, testIds.variableQuery],
])('the %s loads when it is first drawn', async (_, component, words, testId) => {
  const Editor = component as ComponentType<object>;
  const props = {
    app: CoreApp.Explore,
    query: { refId: 'A', queryType: 'flows', query: '' },
    options: settings,
    datasource,
    onChange: jest.fn(),
    onOptionsChange: jest.fn(),
    onRunQuery: jest.fn(),
    onClickExample: jest.fn(),
  };
  render(<Editor {...props} />);
  expect(screen.getByText(words.loading)).toBeInTheDocument();
  // The first one waits until Jest has compiled the editors.
  expect(await screen.findByTestId(testId, {}, { timeout: 25_000 })).toBeInTheDocument();
});
