import type { FlowsView } from '../engine/protocol';

/** A line of the table: a group, a packet (or a single record), or a further record of a packet. */
export type Line =
  | { kind: 'group'; group: number; row: number; isOpen: boolean }
  | { kind: 'packet'; row: number; parts: number; isOpen: boolean; level: number }
  | { kind: 'part'; row: number; level: number };

/** The lines of a view, of which groups and packets may be open. */
export interface Lines {
  readonly count: number;
  at(line: number): Line | undefined;
  /** The rows of the lines from `first` to `last`, of closed packets and groups too. */
  rows(first: number, last: number): Uint32Array;
  /** Number of flows of a group. */
  flowsOf(group: number): number;
}

/** The open groups, by the row that stands for each, and the open packets, likewise. */
export interface Opened {
  groups: ReadonlySet<number>;
  packets: ReadonlySet<number>;
}

export const nothingOpen: Opened = { groups: new Set(), packets: new Set() };

/** The lines of a view. Without groups and open packets there is a line for each packet, and nothing is built. */
export function linesOf({ rows, packetEnds, groups }: FlowsView, opened: Opened): Lines {
  const isFolded = packetEnds.length > 0;
  const packets = isFolded ? packetEnds.length : rows.length;
  const startOf = (packet: number) => (isFolded ? (packet === 0 ? 0 : (packetEnds[packet - 1] ?? 0)) : packet);
  const endOf = (packet: number) => (isFolded ? (packetEnds[packet] ?? rows.length) : packet + 1);
  const firstOf = (group: number) => (group === 0 ? 0 : (groups?.ends[group - 1] ?? 0));
  const rowAt = (place: number) => rows[place] ?? 0;
  const isPlain = !groups && opened.packets.size === 0;
  const coded = isPlain ? undefined : build();
  const level = groups ? 2 : 1;

  /** A line as a number: `place * 2` of a packet, `place * 2 + 1` of a further record, `-1 - group`. */
  function build(): number[] {
    const lines: number[] = [];
    const addPackets = (from: number, to: number) => {
      for (let packet = from; packet < to; packet++) {
        lines.push(packet * 2);
        const start = startOf(packet);
        const end = endOf(packet);
        if (end - start > 1 && opened.packets.has(rowAt(start))) {
          for (let place = start + 1; place < end; place++) {
            lines.push(place * 2 + 1);
          }
        }
      }
    };
    if (!groups) {
      addPackets(0, packets);
    }
    for (let group = 0; group < (groups?.ends.length ?? 0); group++) {
      lines.push(-1 - group);
      if (opened.groups.has(rowAt(startOf(firstOf(group))))) {
        addPackets(firstOf(group), groups?.ends[group] ?? 0);
      }
    }
    return lines;
  }

  const packetLine = (packet: number): Line => {
    const row = rowAt(startOf(packet));
    return {
      kind: 'packet',
      row,
      parts: endOf(packet) - startOf(packet),
      isOpen: opened.packets.has(row),
      level,
    };
  };
  const count = coded ? coded.length : packets;
  /** The places in `rows` of a line, from the first to one past the last. */
  const placesOf = (line: number): [number, number] => {
    const code = coded ? (coded[line] ?? 0) : line * 2;
    if (code < 0) {
      const group = -1 - code;
      return [startOf(firstOf(group)), endOf((groups?.ends[group] ?? 1) - 1)];
    }
    return code % 2 === 0 ? [startOf(code / 2), endOf(code / 2)] : [(code - 1) / 2, (code - 1) / 2 + 1];
  };
  return {
    count,
    at(line) {
      if (line < 0 || line >= count) {
        return undefined;
      }
      const code = coded ? (coded[line] ?? 0) : line * 2;
      if (code < 0) {
        const group = -1 - code;
        const row = rowAt(startOf(firstOf(group)));
        return { kind: 'group', group, row, isOpen: opened.groups.has(row) };
      }
      return code % 2 === 0 ? packetLine(code / 2) : { kind: 'part', row: rowAt((code - 1) / 2), level: level + 1 };
    },
    rows(first, last) {
      let from = Infinity;
      let to = 0;
      for (const line of [first, last]) {
        const [start, end] = placesOf(Math.min(count - 1, Math.max(0, line)));
        from = Math.min(from, start);
        to = Math.max(to, end);
      }
      return count === 0 ? new Uint32Array() : rows.slice(from, to);
    },
    flowsOf: (group) => (groups?.ends[group] ?? 0) - firstOf(group),
  };
}

/** The number of packets of a view, or of records that stand alone. */
export function flowsShown({ rows, packetEnds }: FlowsView): number {
  return packetEnds.length > 0 ? packetEnds.length : rows.length;
}

/** The row that stands for the packet a number of packets after that of a row. */
export function rowAfter({ rows, packetEnds }: FlowsView, row: number, step: number): number | undefined {
  const place = rows.indexOf(row);
  if (place < 0) {
    return undefined;
  }
  if (packetEnds.length === 0) {
    return rows[place + step];
  }
  const next = packetEnds.findIndex((end) => end > place) + step;
  return next < 0 || next >= packetEnds.length ? undefined : rows[next === 0 ? 0 : (packetEnds[next - 1] ?? 0)];
}
