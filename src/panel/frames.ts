import type { DataFrame, QueryResultMetaNotice } from '@grafana/data';

import type { HubbleQuery } from '../datasource/query/model';
import type { PackedBytes } from '../packedBytes';
import { freshnessOf, isPolicies, mergeFreshness, type PoliciesFreshness } from './policies/policyFrames';

/** The version of the packed format that the Wasm module reads. */
const packedFormat = 'hubble-flows/1';

/** The content of an answer: packed frames, and frames that this panel cannot draw. */
export interface PackedAnswer {
  /** The rows of each packed frame. */
  frames: PackedRow[][];
  notices: QueryResultMetaNotice[];
  /** The `hubble observe` lines of the queries. */
  commands: string[];
  unsupported: UnsupportedFrame[];
  /** The notices about flows that the answer may lack. */
  incomplete: string[];
  /** The notices that this panel replaces by its own message where there are no flows. */
  reworded: string[];
  /** Progress of an answer that still comes, or stopped before its end. */
  underWay?: Progress;
  /** The memory of the queried nodes, if the answer has it. */
  memory?: Memory;
  /** Changes whenever the policies of the sources do; empty without policies, absent if unknown. */
  policiesRevision?: string;
  /** How fresh the policies of the sources' clusters are; absent without a cluster. */
  policiesFreshness?: PoliciesFreshness;
}

/** Packed flows in a row: base64, or bytes of an answer that came in slices. */
export type PackedRow = string | Pick<PackedBytes, 'bytes'>;

/** Numbers of flows. */
export interface Progress {
  flows: number;
  atMost: number;
}

/** The memory of the nodes. Times are Unix milliseconds. */
export interface Memory {
  /** The time of the oldest flow on any node. */
  begins: number;
  /** The time from which on every node has all of its flows. */
  completeSince: number;
  /** The range of the query, which may be narrower than the dashboard's. */
  rangeBegin: number;
  rangeEnd: number;
  /** Whether every node has all flows of that range. */
  complete: boolean;
  /** Whether the range ended before the oldest flow. */
  forgotten: boolean;
}

export interface UnsupportedFrame {
  refId?: string;
  kind: 'otherFormat' | 'newerFormat' | 'broken';
  /** The packed format of a frame of another version. */
  format?: string;
}

/** The frames of an answer, by kind; unsupported frames once for each query. */
export function readFrames(series: readonly DataFrame[]): PackedAnswer {
  const answer: PackedAnswer = { frames: [], notices: [], commands: [], unsupported: [], incomplete: [], reworded: [] };
  for (const frame of series) {
    if (isPolicies(frame)) {
      continue;
    }
    answer.notices.push(...noticesOf(frame, answer.notices));
    answer.incomplete.push(...texts(frame.meta?.custom?.incomplete));
    answer.reworded.push(...texts(frame.meta?.custom?.reworded));
    answer.underWay = addProgress(answer.underWay, progressOf(frame));
    answer.memory = mergeMemory(answer.memory, memoryOf(frame));
    answer.policiesFreshness = mergeFreshness(answer.policiesFreshness, freshnessOf(frame));
    const command = frame.meta?.executedQueryString;
    const rows = packedRows(frame);
    if (Array.isArray(rows)) {
      answer.frames.push(rows);
      const revision: unknown = frame.meta?.custom?.policiesRevision;
      if (typeof revision === 'string') {
        answer.policiesRevision = (answer.policiesRevision ?? '') + revision;
      }
      if (command && !answer.commands.includes(command)) {
        answer.commands.push(command);
      }
    } else if (!answer.unsupported.some((other) => other.refId === rows.refId && other.kind === rows.kind)) {
      answer.unsupported.push(rows);
    }
  }
  return answer;
}

/** The query behind the first packed frame, as the data source sent it; undefined without one. */
export function queryOf(series: readonly DataFrame[]): HubbleQuery | undefined {
  const query: unknown = series.find((frame) => frame.meta?.custom?.packed !== undefined)?.meta?.custom?.query;
  return typeof query === 'object' && query !== null ? (query as HubbleQuery) : undefined;
}

function texts(given: unknown): string[] {
  return Array.isArray(given) ? given.map(String) : [];
}

function progressOf(frame: DataFrame): Progress | undefined {
  const { flows, atMost }: Partial<Progress> = frame.meta?.custom?.underWay ?? {};
  return Number.isFinite(flows) && Number.isFinite(atMost) ? ({ flows, atMost } as Progress) : undefined;
}

/** The progress of several queries together. */
function addProgress(one: Progress | undefined, other: Progress | undefined): Progress | undefined {
  return one && other ? { flows: one.flows + other.flows, atMost: one.atMost + other.atMost } : (one ?? other);
}

function memoryOf(frame: DataFrame): Memory | undefined {
  const memory: Partial<Memory> | undefined = frame.meta?.custom?.memory;
  const { begins, completeSince, rangeBegin, rangeEnd, complete, forgotten } = memory ?? {};
  const isWhole =
    [begins, completeSince, rangeBegin, rangeEnd].every(Number.isFinite) &&
    [complete, forgotten].every((flag) => typeof flag === 'boolean');
  return isWhole ? (memory as Memory) : undefined;
}

/** The memory for several queries together. */
function mergeMemory(one: Memory | undefined, other: Memory | undefined): Memory | undefined {
  return one && other
    ? {
        begins: Math.min(one.begins, other.begins),
        completeSince: Math.max(one.completeSince, other.completeSince),
        rangeBegin: Math.min(one.rangeBegin, other.rangeBegin),
        rangeEnd: Math.max(one.rangeEnd, other.rangeEnd),
        complete: one.complete && other.complete,
        forgotten: one.forgotten && other.forgotten,
      }
    : (one ?? other);
}

function packedRows(frame: DataFrame): PackedRow[] | UnsupportedFrame {
  const format: unknown = frame.meta?.custom?.packed;
  const { refId } = frame;
  if (format === undefined) {
    return { refId, kind: 'otherFormat' };
  }
  if (format !== packedFormat) {
    return { refId, kind: 'newerFormat', format: String(format) };
  }
  const rows: unknown[] | undefined = frame.fields.find((field) => field.name === 'packed')?.values;
  return rows?.every(isPacked) ? rows : { refId, kind: 'broken' };
}

function isPacked(row: unknown): row is PackedRow {
  return typeof row === 'string' || (row as Partial<PackedBytes> | null)?.bytes instanceof Uint8Array;
}

function noticesOf(frame: DataFrame, known: QueryResultMetaNotice[]): QueryResultMetaNotice[] {
  return (frame.meta?.notices ?? []).filter(
    (notice) => !known.some((other) => other.text === notice.text && other.severity === notice.severity)
  );
}

/** Whether `frames` are these and perhaps more, with the same values by identity, as during a refresh. */
export function beginsWith(frames: readonly PackedRow[][], first: readonly PackedRow[][]): boolean {
  return first.length <= frames.length && first.every((rows, at) => rows === frames[at]);
}
