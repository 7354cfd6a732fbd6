import { FlowTable } from '../../../frontend-wasm/pkg/frontend_wasm';
import {
  Connection as AskedConnection,
  initSync as startPolicies,
  Policies,
  RecordedFlows,
} from '../../../policy-wasm/pkg/policy_wasm';
import { judgedColumns, textColumns, type JudgedColumnId, type TextColumnId } from '../table/columns';
import { bytesOfRows } from './base64';
import type {
  Call,
  CompiledPolicies,
  Connection,
  Explanation,
  FileSpec,
  Finding,
  Fix,
  FlowBatch,
  FlowsView,
  JudgedColumns,
  PolicyFile,
  Reachability,
  RefusedDocument,
  Value,
  ViewSpec,
} from './protocol';

/** The Wasm module's flows, on whichever thread it was started. */
export class Session {
  private table: FlowTable | undefined;
  private policies: Policies | undefined;
  /** The same flows in the policy engine, once there are policies. */
  private recorded: RecordedFlows | undefined;
  private codesByVerdict = new Map<string, number>();
  private codesByAgreement = new Map<string, number>();
  private strings: string[] = [];

  answer(call: Call): Value {
    switch (call.kind) {
      case 'load':
        return this.load(call.frames);
      case 'view':
        return this.view(call.spec);
      case 'record':
        return this.loaded().record(call.row);
      case 'file':
        return this.file(call.spec);
      case 'startPolicies':
        startPolicies({ module: call.wasm });
        return '';
      case 'setPolicies':
        return this.setPolicies(call.files, call.namespace);
      case 'explain':
        return this.explain(call.row);
      case 'lint':
        return this.lint();
      case 'suggest':
        return this.suggest(call.rows);
      case 'ask':
        return this.ask(call.connection, call.withFix);
    }
  }

  dispose(): void {
    this.unload();
    this.policies?.free();
    this.policies = undefined;
  }

  private unload(): void {
    this.table?.free();
    this.recorded?.free();
    this.table = undefined;
    this.recorded = undefined;
    this.strings = [];
    this.codesByAgreement = new Map();
  }

  private load(frames: string[][]): FlowBatch {
    this.unload();
    const table = new FlowTable();
    try {
      for (const rows of frames) {
        table.append(bytesOfRows(rows));
      }
      if (this.policies) {
        this.judge(table, this.policies);
      }
      const strings = table.strings();
      const codes = codesOf(table, [...textColumns, ...judgedColumns]);
      this.table = table;
      this.strings = strings;
      this.codesByVerdict = this.codesByText(codes.verdict);
      this.codesByAgreement = this.codesByText(codes.agreement);
      return {
        flows: table.flows,
        problems: table.problems(),
        verdicts: [...this.codesByVerdict.keys()],
        strings,
        timesMs: table.timesMs(),
        sourcePorts: table.sourcePorts(),
        destinationPorts: table.destinationPorts(),
        codes,
        agreements: this.agreements(),
        unplaced: this.unplaced(),
      };
    } catch (error) {
      table.free();
      throw error;
    }
  }

  private view(spec: ViewSpec): FlowsView {
    const view = this.loaded().view(
      spec.text,
      spec.columns,
      chosenCodes(spec.verdicts, this.codesByVerdict),
      chosenCodes(spec.agreements, this.codesByAgreement),
      spec.sort,
      spec.descending
    );
    try {
      const counts = view.counts();
      const agreementCounts = view.agreementCounts();
      return {
        rows: view.rows(),
        verdictCounts: Array.from(view.verdicts(), (code, at) => ({
          verdict: this.strings[code] ?? '',
          flows: counts[at] ?? 0,
        })),
        agreementCounts: Array.from(view.agreements(), (code, at) => ({
          agreement: this.strings[code] ?? '',
          flows: agreementCounts[at] ?? 0,
        })),
      };
    } finally {
      view.free();
    }
  }

  private setPolicies(files: PolicyFile[], namespace: string): CompiledPolicies {
    const compiled = new Policies(...columnsOf(files, namespace));
    this.policies?.free();
    this.policies = compiled;
    return {
      policies: compiled.count,
      refused: JSON.parse(compiled.refused()) as RefusedDocument[],
      judged: this.table ? this.judgedColumns(this.table, compiled) : undefined,
    };
  }

  /** Has the policy engine judge the flows of the table, and the table show what came of it. */
  private judge(table: FlowTable, policies: Policies): void {
    this.recorded ??= recordedFlows(table);
    const judged = this.recorded.judge(policies);
    try {
      table.setJudged(judged.texts(), judged.agreement(), judged.computed(), judged.decidedBy());
    } finally {
      judged.free();
    }
  }

  /** That policies name no namespace, if they are judged by. */
  private unplaced(): string | undefined {
    return this.policies && this.recorded?.unplaced(this.policies);
  }

  private judgedColumns(table: FlowTable, policies: Policies): JudgedColumns {
    this.judge(table, policies);
    const firstNew = this.strings.length;
    const newStrings = table.stringsFrom(firstNew);
    this.strings = [...this.strings, ...newStrings];
    const codes = codesOf<JudgedColumnId>(table, judgedColumns);
    this.codesByAgreement = this.codesByText(codes.agreement);
    return { newStrings, firstNew, codes, agreements: this.agreements(), unplaced: this.unplaced() };
  }

  private file({ format, rows, columns, titles }: FileSpec): Uint8Array<ArrayBuffer> {
    const table = this.loaded();
    const bytes = format === 'csv' ? table.csv(rows, columns, titles) : table.jsonLines(rows, columns);
    return bytes as Uint8Array<ArrayBuffer>;
  }

  private explain(row: number): Explanation {
    const { flows, policies } = this.judged();
    return JSON.parse(flows.explain(policies, row)) as Explanation;
  }

  private lint(): Finding[] {
    const { flows, policies } = this.judged();
    return JSON.parse(flows.lint(policies)) as Finding[];
  }

  private suggest(rows: number[]): Fix {
    const { flows, policies } = this.judged();
    return JSON.parse(flows.suggest(policies, Uint32Array.from(rows))) as Fix;
  }

  private ask({ from, fromLabels, to, toLabels, request }: Connection, withFix: boolean): Reachability {
    const { flows, policies } = this.judged();
    const asked = new AskedConnection(from, fromLabels ?? [], to, toLabels ?? [], request?.method, request?.path);
    try {
      return JSON.parse(flows.ask(policies, asked, withFix)) as Reachability;
    } finally {
      asked.free();
    }
  }

  private codesByText(codes: Uint32Array): Map<string, number> {
    return new Map(Array.from(new Set(codes), (code) => [this.strings[code] ?? '', code]));
  }

  /** Flows that were not judged have none. */
  private agreements(): string[] {
    return [...this.codesByAgreement.keys()].filter((agreement) => agreement !== '');
  }

  private loaded(): FlowTable {
    if (!this.table) {
      throw new Error('no flows are loaded');
    }
    return this.table;
  }

  private judged(): { flows: RecordedFlows; policies: Policies } {
    this.loaded();
    if (!this.policies || !this.recorded) {
      throw new Error('no policies are loaded');
    }
    return { flows: this.recorded, policies: this.policies };
  }
}

/** Names, texts, times, settings that are known, and when a file came or went last. */
type PolicyColumns = [string[], string[], Float64Array, string[], number | undefined];

function columnsOf(files: readonly PolicyFile[], namespace: string): PolicyColumns {
  const folderMs = files.map((file) => file.folderMs).filter(Number.isFinite);
  return [
    files.map((file) => file.name),
    files.map((file) => file.text),
    Float64Array.from(files, (file) => file.modifiedMs),
    namespace === '' ? [] : [`namespace=${namespace}`],
    folderMs.length > 0 ? Math.max(...folderMs) : undefined,
  ];
}

/** The flows of a table for the policy engine: the packed bytes once more, and which are rows. */
function recordedFlows(table: FlowTable): RecordedFlows {
  const recorded = new RecordedFlows();
  for (let stream = 0; stream < table.streams; stream++) {
    recorded.append(table.stream(stream));
  }
  recorded.setPlaces(table.places());
  return recorded;
}

function codesOf<Id extends TextColumnId>(table: FlowTable, columns: readonly Id[]): Record<Id, Uint32Array> {
  return Object.fromEntries(columns.map((column) => [column, table.codes(column)])) as Record<Id, Uint32Array>;
}

/** What these flows do not have must hide all of them, not show all. */
function chosenCodes(names: readonly string[], codes: ReadonlyMap<string, number>): Uint32Array {
  const chosen = names.flatMap((name) => codes.get(name) ?? []);
  return Uint32Array.from(names.length > 0 && chosen.length === 0 ? [noCode] : chosen);
}

/** No text has this code. */
const noCode = 0xffff_ffff;

/** The buffers of an answer that may change hands instead of being copied. */
export function buffersOf(value: Value): ArrayBufferLike[] {
  return arraysOf(value).map((array) => array.buffer);
}

function arraysOf(value: Value): Array<Uint8Array | Uint32Array | Uint16Array | Float64Array> {
  if (value instanceof Uint8Array) {
    return [value];
  }
  if (
    typeof value === 'string' ||
    Array.isArray(value) ||
    'sentence' in value ||
    'edits' in value ||
    'paths' in value
  ) {
    return [];
  }
  if ('rows' in value) {
    return [value.rows];
  }
  if ('refused' in value) {
    return Object.values(value.judged?.codes ?? {});
  }
  return [value.timesMs, value.sourcePorts, value.destinationPorts, ...Object.values(value.codes)];
}
