import type { PackedRow } from '../frames';

type FromBase64 = { fromBase64?: (text: string) => Uint8Array };

/** The bytes of the rows of one packed frame, end to end. */
export function bytesOfRows(rows: readonly PackedRow[]): Uint8Array {
  const parts = rows.map((row, at) => {
    if (typeof row !== 'string') {
      return row.bytes;
    }
    try {
      return bytesOf(row);
    } catch (cause) {
      throw new Error(`row ${at + 1} of the packed frame is not base64`, { cause });
    }
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function bytesOf(row: string): Uint8Array {
  const native = (Uint8Array as FromBase64).fromBase64;
  if (native) {
    return native.call(Uint8Array, row);
  }
  const binary = atob(row);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) {
    bytes[at] = binary.charCodeAt(at);
  }
  return bytes;
}
