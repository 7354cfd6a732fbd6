import type { TimeRange } from '@grafana/data';

import type { FileFormat } from './engine/protocol';

const kinds: Record<FileFormat, { extension: string; type: string }> = {
  csv: { extension: 'csv', type: 'text/csv;charset=utf-8' },
  jsonLines: { extension: 'jsonl', type: 'application/jsonl;charset=utf-8' },
};

/** The name of a file, with the time range: `hubble-flows-20261129T204400Z-20261129T204900Z.csv`. */
export function fileName(format: FileFormat, { from, to }: TimeRange): string {
  const stamp = (time: TimeRange['from']) => new Date(time.valueOf()).toISOString().replace(/[-:]|\.\d+/g, '');
  return `hubble-flows-${stamp(from)}-${stamp(to)}.${kinds[format].extension}`;
}

/** Starts a download of the browser. */
export function saveFile(bytes: Uint8Array<ArrayBuffer>, format: FileFormat, name: string): void {
  const address = URL.createObjectURL(new Blob([bytes], { type: kinds[format].type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // By the next task the browser has read the file.
  setTimeout(() => URL.revokeObjectURL(address));
}
