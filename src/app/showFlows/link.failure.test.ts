import { AppEvents } from '@grafana/data';

import { text } from '../text';
import { showFlowsLink } from './link';

const publish = jest.fn();

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getAppEvents: () => ({ publish }),
}));
jest.mock('./flowsBehind', () => {
  throw new Error('Loading chunk 558 failed');
});

test('code that does not load shows an alert', async () => {
  const openModal = jest.fn();
  const context = { targets: [{ refId: 'A', expr: 'hubble_drop_total' }] };
  showFlowsLink.onClick?.(undefined, { context, openModal } as never);
  await new Promise(process.nextTick);
  expect(publish).toHaveBeenCalledWith({ type: AppEvents.alertError.name, payload: [text.showFlows.failed] });
  expect(openModal).not.toHaveBeenCalled();
});
