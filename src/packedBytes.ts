/**
 * Bytes of packed flows in a frame, in place of base64. As JSON they are base64: a snapshot of the frame holds what the
 * backend's own frames hold.
 */
export class PackedBytes {
  constructor(readonly bytes: Uint8Array) {}

  toJSON(): string {
    return base64Of(this.bytes);
  }

  toString(): string {
    return this.toJSON();
  }
}

type ToBase64 = { toBase64?: () => string };

/** Number of bytes that are turned into text at once. */
const sliceBytes = 0x8000;

function base64Of(bytes: Uint8Array & ToBase64): string {
  if (bytes.toBase64) {
    return bytes.toBase64();
  }
  let binary = '';
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    binary += String.fromCharCode(...bytes.subarray(at, at + sliceBytes));
  }
  return btoa(binary);
}
