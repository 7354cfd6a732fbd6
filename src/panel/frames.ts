import type { DataFrame, QueryResultMetaNotice } from '@grafana/data';

import { isPolicies } from './policies/policyFrames';

/** The version of the packed format that the Wasm module reads. */
const packedFormat = 'hubble-flows/1';

/** What an answer holds for this panel, and what it holds instead. */
export interface PackedAnswer {
  /** The base64 rows of each packed frame. */
  frames: string[][];
  notices: QueryResultMetaNotice[];
  /** The `hubble observe` lines that ask the same. */
  commands: string[];
  foreign: ForeignFrame[];
  /** Those of the notices that say which flows the answer may lack. */
  incomplete: string[];
  /** Those of the notices that this panel says in its own words where there are no flows. */
  reworded: string[];
  /** How far back the nodes that were asked remember, where the answer says so. */
  memory?: Memory;
}

/** Unix times in milliseconds. */
export interface Memory {
  /** The oldest flow that any node still has. */
  begins: number;
  /** From then on every node has all of its flows. */
  completeSince: number;
  /** What was asked for, as the query narrows the range of the dashboard. */
  rangeBegin: number;
  rangeEnd: number;
  /** Whether every node still has all of the flows of that range. */
  complete: boolean;
  /** Whether the nodes forgot everything that was asked for. */
  forgotten: boolean;
}

export interface ForeignFrame {
  refId?: string;
  kind: 'otherFormat' | 'newerFormat' | 'broken';
  /** The format of a frame that is packed in another one. */
  format?: string;
}

/** Sorts the frames of an answer into packed ones and others; each query's others are named once. */
export function readFrames(series: readonly DataFrame[]): PackedAnswer {
  const answer: PackedAnswer = { frames: [], notices: [], commands: [], foreign: [], incomplete: [], reworded: [] };
  for (const frame of series) {
    if (isPolicies(frame)) {
      continue;
    }
    answer.notices.push(...noticesOf(frame, answer.notices));
    answer.incomplete.push(...texts(frame.meta?.custom?.incomplete));
    answer.reworded.push(...texts(frame.meta?.custom?.reworded));
    answer.memory = joined(answer.memory, memoryOf(frame));
    const command = frame.meta?.executedQueryString;
    const rows = packedRows(frame);
    if (Array.isArray(rows)) {
      answer.frames.push(rows);
      if (command && !answer.commands.includes(command)) {
        answer.commands.push(command);
      }
    } else if (!answer.foreign.some((other) => other.refId === rows.refId && other.kind === rows.kind)) {
      answer.foreign.push(rows);
    }
  }
  return answer;
}

function texts(given: unknown): string[] {
  return Array.isArray(given) ? given.map(String) : [];
}

function memoryOf(frame: DataFrame): Memory | undefined {
  const memory: Partial<Memory> | undefined = frame.meta?.custom?.memory;
  const { begins, completeSince, rangeBegin, rangeEnd, complete, forgotten } = memory ?? {};
  const isWhole =
    [begins, completeSince, rangeBegin, rangeEnd].every(Number.isFinite) &&
    [complete, forgotten].every((flag) => typeof flag === 'boolean');
  return isWhole ? (memory as Memory) : undefined;
}

/** Of several queries, what holds for all of them together. */
function joined(one: Memory | undefined, other: Memory | undefined): Memory | undefined {
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

function packedRows(frame: DataFrame): string[] | ForeignFrame {
  const format: unknown = frame.meta?.custom?.packed;
  const { refId } = frame;
  if (format === undefined) {
    return { refId, kind: 'otherFormat' };
  }
  if (format !== packedFormat) {
    return { refId, kind: 'newerFormat', format: String(format) };
  }
  const rows: unknown[] | undefined = frame.fields.find((field) => field.name === 'packed')?.values;
  return rows?.every((row) => typeof row === 'string') ? rows : { refId, kind: 'broken' };
}

function noticesOf(frame: DataFrame, known: QueryResultMetaNotice[]): QueryResultMetaNotice[] {
  return (frame.meta?.notices ?? []).filter(
    (notice) => !known.some((other) => other.text === notice.text && other.severity === notice.severity)
  );
}

/** Whether both answers hold the very same values, as a refresh that is under way hands them out again. */
export function samePacked(one: PackedAnswer, other: PackedAnswer): boolean {
  return one.frames.length === other.frames.length && one.frames.every((rows, at) => rows === other.frames[at]);
}
