import { render, screen } from '@testing-library/react';

import { RootPage } from './RootPage';
import { testIds } from './testIds';
import { text } from './text';

let sources: Array<{ uid: string; name: string }> = [];
const get = jest.fn();

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  PluginPage: ({ children }: { children: React.ReactNode }) => children,
  getDataSourceSrv: () => ({ getList: () => sources }),
  getBackendSrv: () => ({ get }),
}));

// Links within Grafana need its router.
jest.mock('@grafana/ui', () => ({
  ...jest.requireActual('@grafana/ui'),
  TextLink: ({ href, children }: { href: string; children: React.ReactNode }) => <a href={href}>{children}</a>,
}));

beforeEach(() => {
  sources = [{ uid: 'a/b', name: 'Hubble' }];
  get.mockReset().mockResolvedValue([]);
});

const page = () => render(<RootPage />);

test('data sources lead to Explore and to their settings', async () => {
  page();
  const explore = screen.getByRole('link', { name: text.sources.exploreNamed('Hubble') });
  expect(explore).toHaveAttribute('href', expect.stringContaining('/explore?'));
  const settings = screen.getByRole('link', { name: text.sources.configureNamed('Hubble') });
  expect(settings).toHaveAttribute('href', '/connections/datasources/edit/a%2Fb');
  expect(screen.queryByTestId(testIds.addSource)).not.toBeInTheDocument();
  expect(await screen.findByText(text.dashboards.none)).toBeInTheDocument();
});

test('without a data source there is a link to add one', async () => {
  sources = [];
  page();
  expect(screen.getByText(text.sources.none)).toBeInTheDocument();
  expect(screen.getByTestId(testIds.addSource)).toHaveAttribute('href', expect.stringContaining('k8snet-hubble'));
  await screen.findByText(text.dashboards.none);
});

test('dashboards with the app’s tag are listed', async () => {
  get.mockResolvedValue([{ uid: 'drops', title: 'Drops', url: '/d/drops' }]);
  page();
  expect(await screen.findByTestId(testIds.dashboard)).toHaveTextContent('Drops');
  expect(screen.getByRole('link', { name: 'Drops' })).toHaveAttribute('href', '/d/drops');
  expect(get.mock.lastCall?.[1]).toMatchObject({ tag: 'k8s:network-observability' });
});

test('a failed search has a message', async () => {
  get.mockRejectedValue(new Error('no database'));
  page();
  expect(await screen.findByText(text.dashboards.failed)).toBeInTheDocument();
});
