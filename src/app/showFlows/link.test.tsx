import { LoadingState, dateTime, getDefaultTimeRange, type PanelData } from '@grafana/data';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { testIds } from '../testIds';
import { text } from '../text';
import { showFlowsLink } from './link';

const push = jest.fn();
let sources = [{ uid: 'hubble', name: 'Hubble' }];

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getDataSourceSrv: () => ({ getList: () => sources }),
  getTemplateSrv: () => ({
    replace: (expr: string, _: unknown, format: (value: string | string[]) => string) =>
      expr
        .replace('$namespace', format('pets'))
        .replace('$pods', format(['pets/a.1', 'pets/b']))
        .replace('$reason', format(['POLICY_DENIED'])),
  }),
  locationService: { push: (url: string) => push(url) },
}));

beforeEach(() => {
  push.mockClear();
  sources = [{ uid: 'hubble', name: 'Hubble' }];
});

const data: PanelData = { state: LoadingState.Done, series: [], timeRange: getDefaultTimeRange() };

function contextOf(...exprs: string[]) {
  return {
    targets: exprs.map((expr) => ({ refId: 'A', expr })),
    timeRange: { from: dateTime(1_700_000_000_000), to: 'now' },
    data,
  };
}

function isOffered(context: object | undefined): boolean {
  return showFlowsLink.configure?.(context) !== undefined;
}

test('the link is offered where a panel counts flows', () => {
  expect(isOffered(contextOf('rate(hubble_drop_total[5m])'))).toBe(true);
  expect(isOffered(contextOf('up', 'sum(networkobservability_adv_drop_count)'))).toBe(true);
  expect(isOffered(contextOf('cilium_drop_count_total{cluster="$cluster"}'))).toBe(true);
  expect(isOffered(contextOf('up', 'hubble_lost_events_total', 'my_hubble_drop_total'))).toBe(false);
  expect(isOffered({ targets: [{ refId: 'A', expr: 'hubble_drop_total', hide: true }] })).toBe(false);
  expect(isOffered({ targets: [{ refId: 'A', rawSql: 'hubble_drop_total' }, null, 'hubble_drop_total'] })).toBe(false);
  expect(isOffered(undefined)).toBe(false);
});

async function click(...exprs: string[]) {
  const openModal = jest.fn();
  showFlowsLink.onClick?.(undefined, { context: contextOf(...exprs), openModal } as never);
  await waitFor(() => expect(push.mock.calls.length + openModal.mock.calls.length).toBe(1));
  return openModal.mock.calls[0]?.[0] as { body: React.ElementType } | undefined;
}

function panesOf(url: string) {
  return JSON.parse(new URL(url, 'http://grafana').searchParams.get('panes') ?? '').flows;
}

test('with one data source and an exact filter, Explore opens at once', async () => {
  const modal = await click(
    'rate(hubble_drop_total{destination="$namespace/shop-1", reason=~"$reason"}[$__rate_interval])',
    'rate(hubble_drop_total{source=~"$pods"}[$__rate_interval])'
  );
  expect(modal).toBeUndefined();
  const { datasource, queries, range } = panesOf(push.mock.calls[0]?.[0]);
  expect(datasource).toBe('hubble');
  expect(range).toEqual({ from: '1700000000000', to: 'now' });
  expect(queries).toEqual([
    expect.objectContaining({
      refId: 'A',
      queryType: 'flows',
      filter: { verdict: ['DROPPED'], toPod: ['pets/shop-1'], dropReasonDesc: ['POLICY_DENIED'] },
    }),
    expect.objectContaining({ refId: 'B', filter: { verdict: ['DROPPED'], fromPod: ['pets/a.1', 'pets/b'] } }),
  ]);
});

test('matchers without a filter are shown before Explore opens', async () => {
  const modal = await click('hubble_dns_queries_total{query="<b>x</b>", source=~"pets/.*"}');
  const Body = modal?.body ?? 'div';
  render(<Body />);
  await screen.findByTestId(testIds.chooseFlows);
  expect(screen.getByText('query="<b>x</b>"')).toBeInTheDocument();
  expect(screen.getByText('source=~"pets/.*"')).toBeInTheDocument();
  const link = screen.getByRole('link', { name: text.showFlows.open });
  expect(panesOf(link.getAttribute('href') ?? '').queries[0].filter).toEqual({ protocol: ['dns'], fromPod: ['pets/'] });
});

test('one of two data sources can be selected', async () => {
  sources = [
    { uid: 'one', name: 'Hubble one' },
    { uid: 'two', name: 'Hubble two' },
  ];
  const modal = await click('hubble_drop_total');
  const Body = modal?.body ?? 'div';
  render(<Body />);
  await userEvent.click(await screen.findByLabelText('Hubble two'));
  await waitFor(() =>
    expect(panesOf(screen.getByRole('link', { name: text.showFlows.open }).getAttribute('href') ?? '').datasource).toBe(
      'two'
    )
  );
});

test('without a data source, a message shows what to add', async () => {
  sources = [];
  const Body = (await click('hubble_drop_total'))?.body ?? 'div';
  render(<Body />);
  expect(await screen.findByText(text.sources.none)).toBeInTheDocument();
});
