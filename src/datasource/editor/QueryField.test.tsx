import type { CodeEditor } from '@grafana/ui';
import { render } from '@testing-library/react';
import type { ComponentProps } from 'react';

import { QueryField } from './QueryField';

type EditorProps = ComponentProps<typeof CodeEditor>;

let given: EditorProps;

// Monaco does not run in jsdom: the test calls what the field hands to it.
jest.mock('@grafana/ui', () => ({
  ...jest.requireActual('@grafana/ui'),
  CodeEditor: (props: EditorProps) => {
    given = props;
    return null;
  },
}));

const monaco = { KeyCode: { Enter: 3, Tab: 2 } };

function mounted(popup: string) {
  const dom = document.createElement('div');
  dom.innerHTML = popup;
  const onRun = jest.fn();
  const dispose = jest.fn();
  const props = { language: 'x', value: 'up', ariaLabel: 'Query', minLines: 1, onBeforeMount: jest.fn(), onRun };
  const { unmount } = render(<QueryField {...props} onMount={() => ({ dispose })} onCommit={jest.fn()} />);
  let press: (event: object) => void = () => {};
  const editor = {
    getValue: () => 'up == 0',
    getContainerDomNode: () => dom,
    onKeyDown: (listener: typeof press) => (press = listener),
    onDidChangeModelContent: jest.fn(),
    onDidContentSizeChange: jest.fn(),
  };
  given.onEditorDidMount?.(editor as never, monaco as never);
  const key = (event: object) => {
    const [preventDefault, stopPropagation] = [jest.fn(), jest.fn()];
    press({ ...event, preventDefault, stopPropagation });
    return { isPrevented: preventDefault.mock.calls.length > 0, isStopped: stopPropagation.mock.calls.length > 0 };
  };
  return { key, onRun, dispose, unmount };
}

test.each([['shiftKey'], ['ctrlKey'], ['metaKey']])('Enter with %s runs the text', (modifier) => {
  const { key, onRun } = mounted('');
  expect(key({ keyCode: 3, [modifier]: true })).toEqual({ isPrevented: true, isStopped: true });
  expect(onRun).toHaveBeenCalledWith('up == 0');
});

test('Enter alone breaks the line', () => {
  const { key, onRun } = mounted('');
  expect(key({ keyCode: 3 })).toEqual({ isPrevented: false, isStopped: false });
  expect(onRun).not.toHaveBeenCalled();
});

test.each([
  ['leaves the field', '', true],
  ['takes a suggestion', '<div class="suggest-widget visible"></div>', false],
])('Tab %s', (_, popup, isStopped) => {
  // Stopped before Monaco, the browser moves the focus.
  expect(mounted(popup).key({ keyCode: 2 })).toEqual({ isPrevented: false, isStopped });
});

test('the completion ends with the editor', () => {
  const { dispose } = mounted('');
  given.onEditorWillUnmount?.();
  expect(dispose).toHaveBeenCalled();
});
