import type { PackedRow } from '../frames';
import type {
  CompiledPolicies,
  Connection,
  Explanation,
  FileSpec,
  Finding,
  Fix,
  FlowBatch,
  FlowsEngine,
  FlowsView,
  FlowValues,
  GrownBatch,
  ModuleName,
  PolicyFile,
  Reachability,
  ViewSpec,
} from './protocol';
import type { Session } from './session';
import { startSession } from './startSession';

/** An engine on the page's own thread, for pages where a worker cannot start. */
export class InlineEngine implements FlowsEngine {
  constructor(
    readonly module: ModuleName,
    private readonly session: Session
  ) {}

  /** Compiles and starts a module; resolves when it is ready. */
  static async start(module: ModuleName, address: string): Promise<InlineEngine> {
    return new InlineEngine(module, await startSession(module, await compile(address)));
  }

  async load(frames: PackedRow[][]): Promise<FlowBatch> {
    return this.session.answer({ kind: 'load', frames }) as FlowBatch;
  }

  async append(frames: PackedRow[][]): Promise<GrownBatch> {
    return this.session.answer({ kind: 'append', frames }) as GrownBatch;
  }

  async view(spec: ViewSpec): Promise<FlowsView> {
    return this.session.answer({ kind: 'view', spec }) as FlowsView;
  }

  async record(row: number): Promise<string> {
    return this.session.answer({ kind: 'record', row }) as string;
  }

  async values(row: number): Promise<FlowValues> {
    return this.session.answer({ kind: 'values', row }) as FlowValues;
  }

  async file(spec: FileSpec): Promise<Uint8Array<ArrayBuffer>> {
    return this.session.answer({ kind: 'file', spec }) as Uint8Array<ArrayBuffer>;
  }

  async setPolicies(files: PolicyFile[], namespace: string): Promise<CompiledPolicies> {
    return this.session.answer({ kind: 'setPolicies', files, namespace }) as CompiledPolicies;
  }

  async explain(row: number): Promise<Explanation> {
    return this.session.answer({ kind: 'explain', row }) as Explanation;
  }

  async lint(): Promise<Finding[]> {
    return this.session.answer({ kind: 'lint' }) as Finding[];
  }

  async suggest(rows: number[]): Promise<Fix> {
    return this.session.answer({ kind: 'suggest', rows }) as Fix;
  }

  async ask(connection: Connection, withFix: boolean): Promise<Reachability> {
    return this.session.answer({ kind: 'ask', connection, withFix }) as Reachability;
  }

  dispose(): void {
    this.session.dispose();
  }
}

/**
 * Compiles while the bytes arrive; at once where that fails, since a proxy may serve another MIME type
 * and fetch instrumentation may hand out a response that cannot be streamed.
 */
async function compile(address: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compileStreaming(fetch(address));
  } catch {
    const response = await fetch(address);
    return WebAssembly.compile(await response.arrayBuffer());
  }
}
