import { render, screen } from '@testing-library/react';

import { lazyComponent } from './lazyComponent';

const words = { loading: 'Loading…', failed: 'The editor did not load. Reload the page.' };

function Greeting({ name }: { name: string }) {
  return <p>Hello {name}</p>;
}

test('a placeholder is shown until the code has loaded', async () => {
  const load = jest.fn(async () => Greeting);
  const Lazy = lazyComponent(load, words);
  expect(load).not.toHaveBeenCalled();
  render(<Lazy name="Grafana" />);
  expect(screen.getByText(words.loading)).toBeInTheDocument();
  expect(await screen.findByText('Hello Grafana')).toBeInTheDocument();
  expect(screen.queryByText(words.loading)).not.toBeInTheDocument();
});

test('a failed load shows a message instead of the component', async () => {
  const Lazy = lazyComponent<{ name: string }>(async () => {
    throw new Error('Loading chunk 7 failed');
  }, words);
  render(<Lazy name="Grafana" />);
  expect(await screen.findByText(words.failed)).toBeInTheDocument();
});

test('an error of the component itself reaches the error boundary', async () => {
  const Lazy = lazyComponent(
    async () =>
      function Broken(): never {
        throw new Error('broken');
      },
    words
  );
  jest.spyOn(console, 'error').mockImplementation(() => {});
  class Boundary extends (await import('react')).Component<{ children: React.ReactNode }> {
    override state = { message: '' };
    static getDerivedStateFromError = ({ message }: Error) => ({ message });
    override render() {
      return this.state.message === '' ? this.props.children : <p>caught: {this.state.message}</p>;
    }
  }
  render(
    <Boundary>
      <Lazy />
    </Boundary>
  );
  expect(await screen.findByText('caught: broken')).toBeInTheDocument();
});
