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
