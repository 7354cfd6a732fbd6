import init from '../../../frontend-wasm/pkg/frontend_wasm';
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
  PolicyFile,
  Reachability,
  ViewSpec,
} from './protocol';
import { onceStarted } from './onceStarted';
import { Session } from './session';

/** Decodes on the page's own thread, where no worker can be had. The module has to run already. */
export class InlineEngine implements FlowsEngine {
  private readonly session = new Session();
  private readonly policyEngine = onceStarted(() => this.startPolicies());

  /** Without its address, the policy engine has to run already. */
  constructor(private readonly policyWasmAddress?: string) {}

  /** Compiles and starts the module, then is ready. */
  static async start(address: string, policyWasmAddress: string): Promise<InlineEngine> {
    await init({ module_or_path: await compile(address) });
    return new InlineEngine(policyWasmAddress);
  }

  async load(frames: string[][]): Promise<FlowBatch> {
    return this.session.answer({ kind: 'load', frames }) as FlowBatch;
  }

  async view(spec: ViewSpec): Promise<FlowsView> {
    return this.session.answer({ kind: 'view', spec }) as FlowsView;
  }

  async record(row: number): Promise<string> {
    return this.session.answer({ kind: 'record', row }) as string;
  }

  async file(spec: FileSpec): Promise<Uint8Array<ArrayBuffer>> {
    return this.session.answer({ kind: 'file', spec }) as Uint8Array<ArrayBuffer>;
  }

  async setPolicies(files: PolicyFile[], namespace: string): Promise<CompiledPolicies> {
    await this.policyEngine();
    return this.session.answer({ kind: 'setPolicies', files, namespace }) as CompiledPolicies;
  }

  private async startPolicies(): Promise<void> {
    if (this.policyWasmAddress) {
      const wasm = await compile(this.policyWasmAddress);
      this.session.answer({ kind: 'startPolicies', wasm });
    }
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
