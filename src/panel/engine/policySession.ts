import { AskedConnection, FlowTable, Policies } from '../../../frontend-wasm/pkg/engine';
import { judgedColumns } from './generated';
import type {
  Call,
  CompiledPolicies,
  Connection,
  Explanation,
  Finding,
  Fix,
  JudgedColumnId,
  JudgedColumns,
  PolicyFile,
  Reachability,
  RefusedDocument,
  Value,
} from './protocol';
import { codesOf, Session } from './session';

/** The flows of the whole engine, with the policies that judge them. */
export class PolicySession extends Session<FlowTable> {
  private policies: Policies | undefined;

  constructor() {
    super(() => new FlowTable());
  }

  override answer(call: Call): Value {
    switch (call.kind) {
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
      default:
        return super.answer(call);
    }
  }

  override dispose(): void {
    super.dispose();
    this.policies?.free();
    this.policies = undefined;
  }

  protected override judge(table: FlowTable): void {
    if (this.policies) {
      table.judge(this.policies);
    }
  }

  protected override unplaced(table: FlowTable): string | undefined {
    return this.policies && table.unplaced(this.policies);
  }

  private setPolicies(files: PolicyFile[], namespace: string): CompiledPolicies {
    const compiled = new Policies(...columnsOf(files, namespace));
    this.policies?.free();
    this.policies = compiled;
    return {
      policies: compiled.count,
      refused: JSON.parse(compiled.refused()) as RefusedDocument[],
      judged: this.table ? this.judgedColumns(this.table) : undefined,
    };
  }

  private judgedColumns(table: FlowTable): JudgedColumns {
    this.judge(table);
    const firstNew = this.strings.length;
    const newStrings = table.stringsFrom(firstNew);
    this.strings = [...this.strings, ...newStrings];
    const codes = codesOf<JudgedColumnId>(table, judgedColumns);
    return {
      newStrings,
      firstNew,
      codes,
      agreements: this.agreementsOf(codes.agreement),
      unplaced: this.unplaced(table),
    };
  }

  private explain(row: number): Explanation {
    const { table, policies } = this.judged();
    return JSON.parse(table.explain(policies, row)) as Explanation;
  }

  private lint(): Finding[] {
    const { table, policies } = this.judged();
    return JSON.parse(table.lint(policies)) as Finding[];
  }

  private suggest(rows: number[]): Fix {
    const { table, policies } = this.judged();
    return JSON.parse(table.suggest(policies, Uint32Array.from(rows))) as Fix;
  }

  private ask({ from, fromLabels, to, toLabels, request }: Connection, withFix: boolean): Reachability {
    const { table, policies } = this.judged();
    const asked = new AskedConnection(from, fromLabels ?? [], to, toLabels ?? [], request?.method, request?.path);
    try {
      return JSON.parse(table.ask(policies, asked, withFix)) as Reachability;
    } finally {
      asked.free();
    }
  }

  private judged(): { table: FlowTable; policies: Policies } {
    const table = this.loaded();
    if (!this.policies) {
      throw new Error('no policies are loaded');
    }
    return { table, policies: this.policies };
  }
}

/** Names, texts, times of change, known settings, and the time of the last addition or removal of a file. */
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
