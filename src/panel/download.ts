import type { TimeRange } from '@grafana/data';

import type { FileFormat } from './engine/protocol';

/** The formats of files; text with tabs is for the clipboard. */
export type DownloadFormat = Exclude<FileFormat, 'tabs'>;

const kinds: Record<DownloadFormat, { extension: string; type: string }> = {
  csv: { extension: 'csv', type: 'text/csv;charset=utf-8' },
  jsonLines: { extension: 'jsonl', type: 'application/jsonl;charset=utf-8' },
};

/** The name of a file, with the time range: `hubble-flows-20261129T204400Z-20261129T204900Z.csv`. */
export function fileName(format: DownloadFormat, { from, to }: TimeRange): string {
  const stamp = (time: TimeRange['from']) => new Date(time.valueOf()).toISOString().replace(/[-:]|\.\d+/g, '');
  return `hubble-flows-${stamp(from)}-${stamp(to)}.${kinds[format].extension}`;
}

/** Starts a download of the browser. */
export function saveFile(bytes: Uint8Array<ArrayBuffer>, format: DownloadFormat, name: string): void {
  const address = URL.createObjectURL(new Blob([bytes], { type: kinds[format].type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // By the next task the browser has read the file.
  setTimeout(() => URL.revokeObjectURL(address));
}

/** Copies a text. Errors: the browser refuses. */
export async function copyText(text: string): Promise<void> {
  // A page without TLS has no clipboard.
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  // The only way there; browsers keep it for such pages.
  const isCopied = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) {
    focused.focus({ preventScroll: true });
  }
  if (!isCopied) {
    throw new Error('the browser refused to copy');
  }
}
