import type { TimeRange } from '@grafana/data';

import type { FileFormat } from './engine/protocol';

const kinds: Record<FileFormat, { extension: string; type: string }> = {
  csv: { extension: 'csv', type: 'text/csv;charset=utf-8' },
  jsonLines: { extension: 'jsonl', type: 'application/jsonl;charset=utf-8' },
};

/** `hubble-flows-20261129T204400Z-20261129T204900Z.csv`: which flows, by the range that was asked for. */
export function fileName(format: FileFormat, { from, to }: TimeRange): string {
  const stamp = (time: TimeRange['from']) => new Date(time.valueOf()).toISOString().replace(/[-:]|\.\d+/g, '');
  return `hubble-flows-${stamp(from)}-${stamp(to)}.${kinds[format].extension}`;
}

/** Has the browser save a file. */
export function saveFile(bytes: Uint8Array<ArrayBuffer>, format: FileFormat, name: string): void {
  const address = URL.createObjectURL(new Blob([bytes], { type: kinds[format].type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken the file by the time that other work is done.
  setTimeout(() => URL.revokeObjectURL(address));
}
