import type { DataFrame, QueryResultMetaNotice } from '@grafana/data';

import type { PolicyFile } from '../engine/protocol';
import { text } from '../text';

/** The version of the frame of policies that is read here. */
const policiesFormat = 'k8snet-policies/1';

/** The policies of data sources, with the reasons for missing ones. */
export interface PoliciesAnswer {
  files: PolicyFile[];
  notices: QueryResultMetaNotice[];
  /** The namespace of policies without one; empty if it is not known. */
  namespace: string;
}

/** How fresh the policies of a cluster are. Times are Unix milliseconds. */
export interface PoliciesFreshness {
  /** The time of this statement. */
  checked: number;
  /** The time at which policies were last read; absent if never. */
  read?: number;
  /** The time since which they are not watched. */
  staleSince?: number;
  /** Whether they are being read for the first time. */
  reading: boolean;
  /** The reasons why some are missing or old. */
  problems: string[];
}

/** The freshness that a frame tells; of several clusters, the worst of each. */
export function mergeFreshness(
  one: PoliciesFreshness | undefined,
  other: PoliciesFreshness | undefined
): PoliciesFreshness | undefined {
  if (!one || !other) {
    return one ?? other;
  }
  const earliest = (times: Array<number | undefined>) => {
    const known = times.filter((time) => time !== undefined);
    return known.length > 0 ? Math.min(...known) : undefined;
  };
  return {
    checked: Math.min(one.checked, other.checked),
    read: one.read === undefined || other.read === undefined ? undefined : Math.min(one.read, other.read),
    staleSince: earliest([one.staleSince, other.staleSince]),
    reading: one.reading || other.reading,
    problems: [...new Set([...one.problems, ...other.problems])],
  };
}

/** The freshness of the policies, which comes with each answer of flows. */
export function freshnessOf(frame: DataFrame): PoliciesFreshness | undefined {
  const given: unknown = frame.meta?.custom?.policiesFreshness;
  if (typeof given !== 'object' || given === null) {
    return undefined;
  }
  const { checked, read, staleSince, reading, problems }: Record<string, unknown> = { ...given };
  const time = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
  return {
    checked: time(checked) ?? 0,
    read: time(read),
    staleSince: time(staleSince),
    reading: reading === true,
    problems: Array.isArray(problems) ? problems.map(String) : [],
  };
}

/** Whether a frame holds policies. */
export function isPolicies(frame: DataFrame): boolean {
  return frame.meta?.custom?.policies === policiesFormat;
}

/** The policy files of the frames. */
export function readPolicies(frames: readonly DataFrame[]): PoliciesAnswer | undefined {
  const ours = frames.filter(isPolicies);
  if (ours.length === 0) {
    return undefined;
  }
  const given = ours.map((frame): unknown => frame.meta?.custom?.namespace);
  const namespaces = [...new Set(given.filter((name) => typeof name === 'string' && name !== ''))] as string[];
  const notices = ours.flatMap((frame) => frame.meta?.notices ?? []);
  const [namespace = '', ...others] = namespaces;
  // All flows are judged by one set of policies, so namespaces that differ cannot apply.
  return others.length > 0
    ? {
        files: ours.flatMap(filesOf),
        notices: [...notices, { severity: 'warning', text: text.policies.namespaces(namespaces.join(', ')) }],
        namespace: '',
      }
    : { files: ours.flatMap(filesOf), notices, namespace };
}

function filesOf(frame: DataFrame): PolicyFile[] {
  const values = (name: string): unknown[] => frame.fields.find((field) => field.name === name)?.values ?? [];
  const changed: unknown = frame.meta?.custom?.changed;
  const folderMs = typeof changed === 'number' ? changed : Number.NaN;
  const [names, texts, times] = [values('file'), values('text'), values('modified')];
  return names.flatMap((name, at) => {
    const body = texts[at];
    const time = times[at];
    return typeof name === 'string' && typeof body === 'string'
      ? { name, text: body, modifiedMs: typeof time === 'number' ? time : Number.NaN, folderMs }
      : [];
  });
}

/** Whether both answers hold the same files; then compiling again is not necessary. */
export function sameFiles(one: readonly PolicyFile[], other: readonly PolicyFile[]): boolean {
  return (
    one.length === other.length &&
    one.every((file, at) => {
      const twin = other[at];
      return (
        twin !== undefined &&
        file.name === twin.name &&
        file.text === twin.text &&
        Object.is(file.modifiedMs, twin.modifiedMs) &&
        Object.is(file.folderMs, twin.folderMs)
      );
    })
  );
}
