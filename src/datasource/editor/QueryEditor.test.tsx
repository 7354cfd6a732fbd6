import { CoreApp, LoadingState } from '@grafana/data';
import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import { defaultQuery, type FlowsQuery, type HubbleQuery, type PromqlQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import { QueryEditor } from './QueryEditor';

// Monaco does not run in jsdom: a plain field with the same callbacks.
jest.mock('@grafana/ui', () => ({
  ...jest.requireActual('@grafana/ui'),
  CodeEditor: ({ value, onBlur }: { value: string; onBlur(text: string): void }) => (
    <textarea
      key={value}
      aria-label="Expression"
      defaultValue={value}
      onBlur={(event) => onBlur(event.currentTarget.value)}
    />
  ),
}));

const suggestions = jest.fn();
const metricNames = jest.fn();
const convert = jest.fn();
const command = jest.fn();
const onChange = jest.fn();
const onRunQuery = jest.fn();

beforeEach(() => {
  jest.clearAllMocks();
  suggestions.mockResolvedValue({ values: ['pets', 'kube-system'], notices: [] });
  metricNames.mockResolvedValue(['hubble_drop_total']);
  convert.mockResolvedValue({ form: {}, text: 'hubble observe', errors: [], warnings: [] });
  command.mockResolvedValue('hubble observe -n pets');
});

/** The editor in a panel that keeps what it is given, as Grafana does. */
function Panel({ initial, app, annotation }: { initial: HubbleQuery; app?: CoreApp; annotation?: object }) {
  const [query, setQuery] = useState(initial);
  const isRule = app === CoreApp.UnifiedAlerting || app === CoreApp.CloudAlerting;
  return (
    <QueryEditor
      app={app}
      annotation={annotation}
      // The form of a rule shows what is stored with the defaults of the source beneath, and hands both over.
      query={isRule ? ({ ...defaultQuery(app), ...query } as HubbleQuery) : query}
      queries={[query]}
      onChange={(changed) => {
        onChange(changed);
        setQuery(changed);
      }}
      onRunQuery={onRunQuery}
      datasource={
        {
          suggestions,
          metricNames,
          promqlWords: () => Promise.resolve([]),
          convert,
          command,
          templateVariables: () => ['$namespace'],
        } as unknown as HubbleDataSource
      }
      data={{ state: LoadingState.Done, series: [], timeRange: undefined as never }}
    />
  );
}

const flows: FlowsQuery = { refId: 'A', queryType: 'flows', format: 'table', limit: 1_000 };
const promql: PromqlQuery = { refId: 'A', queryType: 'promql', expr: 'up', range: true, instant: false };
const last = () => onChange.mock.lastCall?.[0];

async function choose(user: ReturnType<typeof userEvent.setup>, box: HTMLElement, option: RegExp) {
  await user.click(box);
  await user.click(await screen.findByRole('option', { name: option }));
}

test('a new filter takes a suggestion and runs once it has a value', async () => {
  const user = userEvent.setup();
  render(<Panel initial={flows} />);
  expect(screen.getByText(text.flows.none)).toBeInTheDocument();

  await choose(user, within(screen.getByTestId(testIds.addFilter)).getByRole('combobox'), /^Namespace/);
  expect(last()).toMatchObject({ filter: { namespace: [] } });
  expect(onRunQuery).not.toHaveBeenCalled();

  const row = screen.getByTestId(testIds.filterRow('namespace'));
  const values = within(row).getAllByRole('combobox').at(-1)!;
  await choose(user, values, /pets/);
  expect(suggestions).toHaveBeenCalledWith(expect.objectContaining({ field: 'namespace' }));
  expect(last()).toMatchObject({ queryType: 'flows', filter: { namespace: ['pets'] }, exclude: {} });
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

test('suggestions include the dashboard’s variables', async () => {
  const user = userEvent.setup();
  render(<Panel initial={{ ...flows, filter: { namespace: [] } }} />);
  const row = screen.getByTestId(testIds.filterRow('namespace'));
  await choose(user, within(row).getAllByRole('combobox').at(-1)!, /\$namespace/);
  expect(last().filter).toEqual({ namespace: ['$namespace'] });
});

test('a filter can be negated and removed', async () => {
  const user = userEvent.setup();
  render(<Panel initial={{ ...flows, filter: { verdict: ['DROPPED'] } }} />);
  const row = screen.getByTestId(testIds.filterRow('verdict'));
  await choose(user, within(row).getByRole('combobox', { name: text.flows.side }), /is not/);
  expect(last()).toMatchObject({ filter: {}, exclude: { verdict: ['DROPPED'] } });
  await user.click(screen.getByRole('button', { name: text.flows.remove('Verdict') }));
  expect(last()).toMatchObject({ filter: {}, exclude: {} });
  expect(onRunQuery).toHaveBeenCalledTimes(2);
});

test('selecting another field clears the values', async () => {
  const user = userEvent.setup();
  render(<Panel initial={{ ...flows, filter: { namespace: ['pets'] } }} />);
  const row = screen.getByTestId(testIds.filterRow('namespace'));
  await choose(user, within(row).getByRole('combobox', { name: text.flows.field }), /^Pod/);
  expect(last().filter).toEqual({ pod: [] });
});

test('failed suggestions show their reason', async () => {
  const user = userEvent.setup();
  suggestions.mockRejectedValue({ data: { message: 'relay at `x:443` refused the client certificate' } });
  render(<Panel initial={{ ...flows, filter: { pod: [] } }} />);
  const row = screen.getByTestId(testIds.filterRow('pod'));
  await user.click(within(row).getAllByRole('combobox').at(-1)!);
  expect(await within(row).findByText(/refused the client certificate/)).toBeInTheDocument();
});

test('a valid limit is committed on blur', async () => {
  const user = userEvent.setup();
  render(<Panel initial={flows} />);
  const limit = screen.getByTestId(testIds.limit);
  await user.clear(limit);
  await user.type(limit, '160000');
  expect(screen.getByText(text.flows.limitError)).toBeInTheDocument();
  await user.tab();
  expect(onChange).not.toHaveBeenCalled();
  await user.clear(limit);
  await user.type(limit, '500');
  expect(onRunQuery).not.toHaveBeenCalled();
  await user.tab();
  expect(last()).toMatchObject({ limit: 500 });
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

test('the format can be selected', async () => {
  const user = userEvent.setup();
  render(<Panel initial={flows} />);
  await user.click(screen.getByRole('radio', { name: text.flows.formats.packed }));
  expect(last()).toMatchObject({ format: 'packed' });
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

test('a new query type keeps the common fields; an empty expression does not run', async () => {
  const user = userEvent.setup();
  render(<Panel initial={{ ...flows, hide: true, filter: { verdict: ['DROPPED'] } }} />);
  await user.click(screen.getByRole('radio', { name: text.query.promql }));
  expect(last()).toMatchObject({ refId: 'A', hide: true, queryType: 'promql', expr: '', range: true });
  expect(last()).not.toHaveProperty('filter');
  expect(onRunQuery).not.toHaveBeenCalled();
  await user.click(screen.getByRole('radio', { name: text.query.flows }));
  expect(last()).toMatchObject({ queryType: 'flows' });
  expect(last()).not.toHaveProperty('expr');
  expect(screen.getByTestId(testIds.limit)).toHaveValue(1_000);
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

test('switching to PromQL and back keeps both queries', async () => {
  const user = userEvent.setup();
  const choose = (type: string) => user.click(screen.getByRole('radio', { name: type }));
  const asked: FlowsQuery = { ...flows, format: 'logs', filter: { verdict: ['DROPPED'] }, adhocVariable: '$filters' };
  render(<Panel initial={asked} />);
  await choose(text.query.promql);
  await user.type(screen.getByLabelText('Expression'), 'up');
  await user.tab();
  await choose(text.query.flows);
  expect(last()).toEqual(asked);
  onRunQuery.mockClear();
  await choose(text.query.promql);
  expect(last()).toMatchObject({ queryType: 'promql', expr: 'up' });
  expect(last()).not.toHaveProperty('filter');
  expect(onRunQuery).toHaveBeenCalledTimes(1);
  await choose(text.query.flowMetrics);
  expect(last()).toMatchObject({
    queryType: 'flowMetrics',
    filter: { verdict: ['DROPPED'] },
    adhocVariable: '$filters',
  });
  expect(last()).not.toHaveProperty('limit');
});

test('a changed expression runs on blur', async () => {
  const user = userEvent.setup();
  render(<Panel initial={promql} />);
  const expression = screen.getByLabelText('Expression');
  await user.click(expression);
  await user.tab();
  expect(onRunQuery).not.toHaveBeenCalled();
  await user.type(expression, ' == 0');
  expect(onChange).not.toHaveBeenCalled();
  await user.tab();
  expect(last()).toMatchObject({ expr: 'up == 0' });
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

test('PromQL’s options are named as in Prometheus’ own source', async () => {
  const user = userEvent.setup();
  render(<Panel initial={promql} />);
  await user.click(screen.getByRole('radio', { name: text.promql.types.both }));
  expect(last()).toMatchObject({ range: true, instant: true });
  await user.click(screen.getByRole('radio', { name: text.promql.types.instant }));
  expect(last()).toMatchObject({ range: false, instant: true });
  await user.click(screen.getByRole('radio', { name: text.promql.formats.table }));
  expect(last()).toMatchObject({ format: 'table' });
  await user.type(screen.getByTestId(testIds.legend), '{{{{reason}}{Enter}');
  expect(last()).toMatchObject({ legendFormat: '{{reason}}' });
  await user.type(screen.getByTestId(testIds.minStep), '30s');
  await user.tab();
  await waitFor(() => expect(last()).toMatchObject({ interval: '30s' }));
});

test('a query of a Prometheus source is shown as PromQL', () => {
  render(<Panel initial={{ refId: 'A', expr: 'up' } as PromqlQuery} />);
  expect(screen.getByLabelText('Expression')).toHaveValue('up');
});

test('a button runs the query', async () => {
  const user = userEvent.setup();
  render(<Panel initial={flows} />);
  await user.click(screen.getByTestId(testIds.run));
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

describe('the line', () => {
  const line: FlowsQuery = { ...flows, editorMode: 'text', text: 'hubble observe -n pets' };

  test('converts to filters and back, without running', async () => {
    const user = userEvent.setup();
    render(<Panel initial={line} />);
    convert.mockResolvedValue({
      form: { filter: { namespace: ['pets'] }, exclude: {}, last: 5 },
      text: 'hubble observe --last 5 --namespace pets',
      errors: [],
      warnings: [],
    });
    await user.click(screen.getByRole('radio', { name: text.flows.modes.builder }));
    await waitFor(() =>
      expect(last()).toMatchObject({ editorMode: 'builder', filter: { namespace: ['pets'] }, last: 5 })
    );
    expect(last()).not.toHaveProperty('text');
    expect(screen.getByTestId(testIds.parts)).toHaveTextContent('Last5');

    await user.click(screen.getByRole('radio', { name: text.flows.modes.text }));
    await waitFor(() => expect(last()).toMatchObject({ text: 'hubble observe --last 5 --namespace pets' }));
    expect(last()).not.toHaveProperty('filter');
    expect(last()).not.toHaveProperty('last');
    expect(onRunQuery).not.toHaveBeenCalled();
  });

  test('runs on blur', async () => {
    const user = userEvent.setup();
    render(<Panel initial={line} />);
    await user.type(screen.getByLabelText('Expression'), ' -t drop');
    expect(onRunQuery).not.toHaveBeenCalled();
    await user.tab();
    expect(last()).toMatchObject({ text: 'hubble observe -n pets -t drop', editorMode: 'text' });
    expect(onRunQuery).toHaveBeenCalledTimes(1);
  });

  test('shows its errors and does not convert', async () => {
    const user = userEvent.setup();
    convert.mockResolvedValue({ errors: [{ text: 'unknown flag `--nope`', start: 15, end: 21 }], warnings: [] });
    render(<Panel initial={{ ...line, text: 'hubble observe --nope' }} />);
    expect(await screen.findByText('unknown flag `--nope`')).toBeInTheDocument();
    await user.click(screen.getByRole('radio', { name: text.flows.modes.builder }));
    expect(await screen.findByText(text.flows.lineIsWrong)).toBeInTheDocument();
    expect(onChange).not.toHaveBeenCalled();
  });

  test('shows the reason if the conversion fails', async () => {
    const user = userEvent.setup();
    convert.mockRejectedValue({ data: { message: '`filter.toPort`: `http` is not a port' } });
    render(<Panel initial={{ ...flows, filter: { toPort: ['http'] } }} />);
    await user.click(screen.getByRole('radio', { name: text.flows.modes.text }));
    expect(await screen.findByText(/`http` is not a port/)).toBeInTheDocument();
  });

  test('is copied', async () => {
    const user = userEvent.setup();
    const written: string[] = [];
    Object.defineProperty(window, 'isSecureContext', { configurable: true, value: true });
    Object.defineProperty(navigator, 'clipboard', {
      configurable: true,
      value: { writeText: async (line: string) => void written.push(line) },
    });
    render(<Panel initial={{ ...flows, filter: { namespace: ['pets'] } }} />);
    await user.click(screen.getByTestId(testIds.copyCommand));
    expect(await screen.findByText(text.flows.copied)).toBeInTheDocument();
    expect(written).toEqual(['hubble observe -n pets']);
  });
});

test('ad hoc filters are shown and can be removed', async () => {
  const user = userEvent.setup();
  const adhocFilters = [{ key: 'fromPod', operator: '!=', value: 'pets/a' }];
  render(<Panel initial={{ ...flows, filter: { verdict: ['DROPPED'] }, adhocFilters }} />);
  expect(screen.getByTestId(testIds.parts)).toHaveTextContent('From pod is not pets/a');
  await user.click(screen.getByRole('button', { name: /Remove Ad hoc filter/ }));
  expect(last()).toMatchObject({ filter: { verdict: ['DROPPED'] }, adhocFilters: [] });
  expect(onRunQuery).toHaveBeenCalledTimes(1);
});

test('flow metrics have a metric, groups and a format', async () => {
  const user = userEvent.setup();
  render(<Panel initial={{ ...flows, filter: { verdict: ['DROPPED'] } }} />);
  await user.click(screen.getByRole('radio', { name: text.query.flowMetrics }));
  expect(last()).toMatchObject({ queryType: 'flowMetrics', filter: { verdict: ['DROPPED'] }, groupBy: ['verdict'] });
  expect(last()).not.toHaveProperty('limit');
  const metric = within(screen.getByTestId(testIds.metric)).getByRole('combobox');
  await choose(user, metric, /Drop ratio/);
  expect(last()).toMatchObject({ metric: 'dropRatio' });
  const groups = within(screen.getByTestId(testIds.groupBy)).getByRole('combobox');
  await choose(user, groups, /Drop reason/);
  expect(last()).toMatchObject({ groupBy: ['verdict', 'dropReasonDesc'] });
  await user.click(screen.getByRole('radio', { name: text.flowMetrics.formats.top }));
  expect(last()).toMatchObject({ format: 'top' });
  const limit = screen.getByTestId(testIds.limit);
  await user.clear(limit);
  await user.type(limit, '501');
  expect(screen.getByText(text.flowMetrics.limitError)).toBeInTheDocument();
});

test('the nodes of a service map can be selected', async () => {
  const user = userEvent.setup();
  render(<Panel initial={flows} />);
  await user.click(screen.getByRole('radio', { name: text.query.serviceMap }));
  expect(last()).toMatchObject({ queryType: 'serviceMap', by: 'workload' });
  await user.click(screen.getByRole('radio', { name: text.serviceMap.nodes.namespace }));
  expect(last()).toMatchObject({ by: 'namespace' });
});

const types = () =>
  within(screen.getByRole('radiogroup', { name: text.query.type }))
    .getAllByRole('radio')
    .map((radio) => (radio as HTMLInputElement).labels?.[0]?.textContent?.trim());

describe.each([CoreApp.UnifiedAlerting, CoreApp.CloudAlerting])('a rule (%s)', (app) => {
  test('that is new stores a ranking of flow metrics at once', () => {
    // The fields that Grafana writes into each new query of a rule.
    render(<Panel app={app} initial={{ refId: 'A', instant: false, range: true } as unknown as HubbleQuery} />);
    expect(onChange).toHaveBeenCalledTimes(1);
    expect(last()).toMatchObject({
      refId: 'A',
      queryType: 'flowMetrics',
      metric: 'rate',
      groupBy: ['verdict'],
      format: 'top',
    });
    expect(types()).toEqual([text.query.flowMetrics, text.query.promql]);
    expect(screen.getByRole('radio', { name: text.flowMetrics.formats.top })).toBeChecked();
    expect(screen.getByTestId(testIds.limit)).toHaveValue(20);
    expect(screen.queryByText(text.flowMetrics.limitError)).not.toBeInTheDocument();
  });

  test('that was made from a panel keeps the panel’s query unchanged', () => {
    const query = { refId: 'A', queryType: 'flowMetrics', metric: 'count', instant: false, range: true } as const;
    render(<Panel app={app} initial={query as HubbleQuery} />);
    expect(onChange).not.toHaveBeenCalled();
    expect(screen.getByRole('radio', { name: text.flowMetrics.formats.time_series })).toBeChecked();
    expect(within(screen.getByTestId(testIds.metric)).getByRole('combobox')).toHaveValue(
      text.flowMetrics.metrics.count
    );
    expect(screen.queryByText(/Verdict/)).not.toBeInTheDocument();
  });

  test('that came from Prometheus stays an instant PromQL query', async () => {
    const user = userEvent.setup();
    render(<Panel app={app} initial={{ refId: 'A', expr: 'up', instant: true, range: false }} />);
    expect(screen.getByLabelText('Expression')).toHaveValue('up');
    expect(onChange).not.toHaveBeenCalled();
    expect(screen.queryByText(text.promql.formats.heatmap)).not.toBeInTheDocument();
    expect(screen.queryByText(text.promql.types.both)).not.toBeInTheDocument();
    await user.click(screen.getByRole('radio', { name: text.query.flowMetrics }));
    expect(last()).toMatchObject({ queryType: 'flowMetrics', format: 'top' });
  });

  test('that queries flows, which cannot alert, shows their type', () => {
    render(<Panel app={app} initial={flows} />);
    expect(types()).toEqual([text.query.flows, text.query.flowMetrics, text.query.promql]);
  });
});

test('an annotation offers drops and PromQL', () => {
  render(<Panel annotation={{}} initial={{ refId: 'Anno', queryType: 'flowAnnotations' }} />);
  expect(types()).toEqual([text.query.flowAnnotations, text.query.promql]);
});

test('flow metrics do not show the limit of flows', () => {
  render(<Panel initial={{ refId: 'A', queryType: 'flowMetrics', limit: 1_000, format: 'table' as never }} />);
  expect(screen.getByTestId(testIds.limit)).toHaveValue(20);
  expect(screen.queryByText(text.flowMetrics.limitError)).not.toBeInTheDocument();
  expect(screen.getByRole('radio', { name: text.flowMetrics.formats.time_series })).toBeChecked();
});

test('Explore removes conditions for All from a link, once', async () => {
  const user = userEvent.setup();
  render(
    <Panel
      app={CoreApp.Explore}
      initial={{ ...flows, filter: { toNamespace: ['.*'], verdict: ['DROPPED'], toPod: [] } }}
    />
  );
  expect(last().filter).toEqual({ verdict: ['DROPPED'] });
  expect(screen.queryByTestId(testIds.filterRow('toNamespace'))).not.toBeInTheDocument();
  expect(screen.getByTestId(testIds.filterRow('verdict'))).toBeInTheDocument();
  // A line that is added has no values yet, and stays.
  await choose(user, within(screen.getByTestId(testIds.addFilter)).getByRole('combobox'), /^Namespace/);
  expect(screen.getByTestId(testIds.filterRow('namespace'))).toBeInTheDocument();
});
