/** One field of a flow. */
export interface FlowField {
  /** Hubble's own names, joined by dots: `flow.source.workloads[0].name`. */
  path: string;
  /** One value, or those of a list in its order. */
  values: string[];
}

/** The fields of a record, in its order. A list of plain values is one field. */
export function fieldsOf(json: string): FlowField[] {
  const fields: FlowField[] = [];
  collect('', JSON.parse(json), fields);
  return fields;
}

function collect(path: string, value: unknown, fields: FlowField[]): void {
  if (Array.isArray(value) && value.every((item) => !isNested(item))) {
    fields.push({ path, values: value.map(plain) });
  } else if (Array.isArray(value)) {
    value.forEach((item, at) => collect(`${path}[${at}]`, item, fields));
  } else if (isNested(value)) {
    const entries = Object.entries(value);
    if (entries.length === 0) {
      // The presence of an empty message is information.
      fields.push({ path, values: ['{}'] });
    }
    for (const [name, item] of entries) {
      collect(path ? `${path}.${name}` : name, item, fields);
    }
  } else {
    fields.push({ path, values: [plain(value)] });
  }
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The fields whose name or value contains the text, ignoring case. */
export function matching(fields: readonly FlowField[], text: string): FlowField[] {
  const wanted = text.trim().toLowerCase();
  const holds = (part: string) => part.toLowerCase().includes(wanted);
  return wanted === '' ? [...fields] : fields.filter(({ path, values }) => holds(path) || values.some(holds));
}

/** A record as indented JSON. */
export function indented(json: string): string {
  return JSON.stringify(JSON.parse(json), null, 2);
}
