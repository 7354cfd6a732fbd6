import type { QueryResultMetaNotice } from '@grafana/data';

/** A record of an answer that comes in slices, as `backend/plugin/src/resources/flows.rs` writes it. */
export type FlowRecord =
  | { kind: 'head'; head: AnswerHead }
  | { kind: 'flows'; packed: Uint8Array }
  | { kind: 'slice'; flows: number }
  | { kind: 'end'; end: AnswerEnd };

/** What is known before the first flow. */
export interface AnswerHead {
  /** The `hubble observe` line of the query. */
  executed: string;
  /** Maximum number of flows. */
  limit: number;
  custom: Record<string, unknown>;
  notices: QueryResultMetaNotice[];
}

/** What is known after the last flow. */
export interface AnswerEnd {
  flows: number;
  custom: Record<string, unknown>;
  notices: QueryResultMetaNotice[];
}

const headerBytes = 5;

/** Maximum length of a record: a batch of packed flows has at most 16 MiB before compression. */
const maxBytes = 32 << 20;

/** Splits the bytes of an answer into records, however the network cut them. */
export class RecordReader {
  private chunks: Uint8Array[] = [];
  private waiting = 0;

  /** The records that these bytes complete; an error after the last one that can be read. */
  *push(chunk: Uint8Array): Generator<FlowRecord> {
    this.chunks.push(chunk);
    this.waiting += chunk.length;
    while (this.waiting >= headerBytes) {
      const header = this.peek(headerBytes);
      const length = new DataView(header.buffer, header.byteOffset).getUint32(1, true);
      if (length > maxBytes) {
        throw new Error(`a record of ${length} bytes`);
      }
      if (this.waiting < headerBytes + length) {
        return;
      }
      const record = this.peek(headerBytes + length);
      this.drop(record.length);
      yield recordOf(record[0] ?? 0, record.subarray(headerBytes));
    }
  }

  /** The next bytes in one piece. */
  private peek(length: number): Uint8Array {
    const [first] = this.chunks;
    if (first && first.length >= length) {
      return first.subarray(0, length);
    }
    const joined = new Uint8Array(this.waiting);
    let at = 0;
    for (const chunk of this.chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    this.chunks = [joined];
    return joined.subarray(0, length);
  }

  private drop(length: number): void {
    this.waiting -= length;
    const [first, ...others] = this.chunks;
    const rest = first?.subarray(length);
    this.chunks = rest && rest.length > 0 ? [rest, ...others] : others;
  }
}

function recordOf(kind: number, content: Uint8Array): FlowRecord {
  switch (kind) {
    case 1:
      return { kind: 'head', head: json(content) };
    case 2:
      // A copy, since the rest of the network's chunk would live as long as these flows.
      return { kind: 'flows', packed: content.slice() };
    case 3:
      return { kind: 'slice', flows: json<{ flows: number }>(content).flows };
    case 4:
      return { kind: 'end', end: json(content) };
    default:
      throw new Error(`a record of kind ${kind}`);
  }
}

function json<T>(content: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(content)) as T;
}
