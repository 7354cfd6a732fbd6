import init from '../../../frontend-wasm/pkg/frontend_wasm';
import type {
  CompiledPolicies,
  Explanation,
  FlowBatch,
  FlowsEngine,
  FlowsView,
  PolicyFile,
  ViewSpec,
} from './protocol';
import { Session } from './session';

/** Decodes on the page's own thread, where no worker can be had. The module has to run already. */
export class InlineEngine implements FlowsEngine {
  private readonly session = new Session();
  private policyEngine: Promise<void> | undefined;

  /** Without an address, the module of the policy engine has to run already. */
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

  async setPolicies(files: PolicyFile[]): Promise<CompiledPolicies> {
    this.policyEngine ??= this.startPolicies();
    // What failed is tried again with the next policies.
    this.policyEngine.catch(() => (this.policyEngine = undefined));
    await this.policyEngine;
    return this.session.answer({ kind: 'setPolicies', files }) as CompiledPolicies;
  }

  private async startPolicies(): Promise<void> {
    if (this.policyWasmAddress !== undefined) {
      this.session.answer({ kind: 'startPolicies', wasm: await compile(this.policyWasmAddress) });
    }
  }

  async explain(row: number): Promise<Explanation> {
    return this.session.answer({ kind: 'explain', row }) as Explanation;
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
