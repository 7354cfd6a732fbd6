import { isFilterField, type FilterField } from '../datasource/query/fields';
import type { ColumnId, FlowValues } from './engine/protocol';

/** A condition by a flag of `hubble observe`. */
export interface FlagCondition {
  key: FilterField;
  value: string;
}

/** The flags that a cell of a column may stand for, the most telling first. */
const flagsOf: Partial<Record<ColumnId, readonly FilterField[]>> = {
  verdict: ['verdict'],
  dropReason: ['dropReasonDesc'],
  direction: ['trafficDirection'],
  source: ['fromPod', 'fromService', 'fromFqdn', 'fromIp'],
  sourceIp: ['fromIp'],
  sourcePort: ['fromPort'],
  destination: ['toPod', 'toService', 'toFqdn', 'toIp'],
  destinationIp: ['toIp'],
  destinationPort: ['toPort'],
  protocol: ['protocol'],
  reply: ['reply'],
  node: ['nodeName'],
};

/** Protocols that Hubble cannot filter by. */
const noFilter = ['kafka', 'unknown l7'];

/** The condition of a cell as a flag of `hubble observe`; undefined where Hubble has none for it. */
export function conditionOf(column: ColumnId, values: FlowValues): FlagCondition | undefined {
  const key = flagsOf[column]?.find((flag) => values[flag]);
  return key && flag(key, values);
}

function flag(key: FilterField, values: FlowValues): FlagCondition | undefined {
  const value = values[key] ?? '';
  const isLower = key === 'protocol' || key === 'trafficDirection';
  const written = isLower ? value.toLowerCase() : value;
  return value === '' || noFilter.includes(written) || !isFilterField(key) ? undefined : { key, value: written };
}

/** The conditions that find a flow and those like it: both ends, protocol, port and verdict. */
export function conditionsOfFlow(values: FlowValues): FlagCondition[] {
  const columns: ColumnId[] = ['verdict', 'source', 'destination', 'protocol'];
  const port = values.reply === 'true' ? 'sourcePort' : 'destinationPort';
  return [...columns, port as ColumnId].flatMap((column) => conditionOf(column, values) ?? []);
}

/** The end of a flow for the filters of either direction: its pod, or else its address. */
export function endOf(values: FlowValues, role: 'from' | 'to'): { name: 'Pod' | 'Ip'; value: string } | undefined {
  const pod = values[`${role}Pod`];
  const ip = values[`${role}Ip`];
  return pod ? { name: 'Pod', value: pod } : ip ? { name: 'Ip', value: ip } : undefined;
}
