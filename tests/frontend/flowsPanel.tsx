/** The flows panel in a test, over the real module; the test mocks `panel/engine/startEngine`. */
import {
  createDataFrame,
  dateTime,
  FieldType,
  LoadingState,
  type DataFrame,
  type PanelData,
  type PanelProps,
} from '@grafana/data';
import { render, screen } from '@testing-library/react';

import { InlineEngine } from '../../src/panel/engine/InlineEngine';
import { startEngine } from '../../src/panel/engine/startEngine';
import { sessionOf } from '../../src/panel/engine/startSession';
import { FlowsPanel } from '../../src/panel/FlowsPanel';
import { defaultOptions, type FlowsPanelOptions } from '../../src/panel/options';
import { testIds } from '../../src/panel/testIds';
import { packedVector, startWasm } from './wasm';

export const { rows, expected } = packedVector('mixed');

beforeAll(startWasm);

/** Engines that the panels of a test started. */
export const engines: InlineEngine[] = [];
beforeEach(() => {
  engines.length = 0;
  jest.mocked(startEngine).mockImplementation(async (module) => {
    const engine = new InlineEngine(module, sessionOf(module));
    engines.push(engine);
    return { engine };
  });
});

export function packed(values: string[] = rows, meta: DataFrame['meta'] = {}): DataFrame {
  return createDataFrame({
    refId: 'A',
    meta: { ...meta, custom: { packed: 'hubble-flows/1', ...meta.custom } },
    fields: [{ name: 'packed', type: FieldType.string, values }],
  });
}

export const timeRange = { from: dateTime(0), to: dateTime(1), raw: { from: 'now-1h', to: 'now' } };

export function props(
  data: Partial<PanelData>,
  options: Partial<FlowsPanelOptions> = {}
): PanelProps<FlowsPanelOptions> {
  return {
    id: 1,
    title: 'Flows',
    data: { state: LoadingState.Done, series: [], timeRange, ...data },
    timeRange,
    timeZone: 'utc',
    options: { ...defaultOptions, ...options },
    onOptionsChange: jest.fn(),
    width: 1000,
    height: 400,
    transparent: false,
    renderCounter: 0,
    replaceVariables: (value: string) => value,
    eventBus: undefined,
    fieldConfig: { defaults: {}, overrides: [] },
    onFieldConfigChange: jest.fn(),
    onChangeTimeRange: jest.fn(),
  } as unknown as PanelProps<FlowsPanelOptions>;
}

export async function shown(
  data: Partial<PanelData> = { series: [packed()] },
  options: Partial<FlowsPanelOptions> = {}
) {
  const given = props(data, options);
  const view = render(<FlowsPanel {...given} />);
  const grid = await screen.findByTestId(testIds.grid);
  return { ...view, grid, given };
}

export const cells = (column: string) => screen.queryAllByTestId(testIds.cell(column)).map((cell) => cell.textContent);

const denyAll = `apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: deny
spec:
  endpointSelector: {}
  ingress:
    - {} # <script>alert(1)</script>
  egress:
    - {} # <script>alert(1)</script>
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: refused
spec:
  egres: []
`;

/** Policies of the file `all.yaml`, changed at `modifiedMs`: one denies everything, one is refused. */
export const policiesOf = (modifiedMs: number) =>
  createDataFrame({
    meta: { custom: { policies: 'k8snet-policies/1' } },
    fields: [
      { name: 'file', type: FieldType.string, values: ['all.yaml'] },
      { name: 'modified', type: FieldType.time, values: [modifiedMs] },
      { name: 'text', type: FieldType.string, values: [denyAll] },
    ],
  });

export const policies = policiesOf(1_000);
