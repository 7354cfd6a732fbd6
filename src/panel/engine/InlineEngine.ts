import init from '../../../frontend-wasm/pkg/frontend_wasm';
import type {
  CompiledPolicies,
  Explanation,
  FileSpec,
  Finding,
  Fix,
  FlowBatch,
  FlowsEngine,
  FlowsView,
  PolicyFile,
  PolicyModule,
  ViewSpec,
} from './protocol';
import { PolicyModules } from './PolicyModules';
import { Session } from './session';

/** Decodes on the page's own thread, where no worker can be had. The module has to run already. */
export class InlineEngine implements FlowsEngine {
  private readonly session = new Session();
  private readonly modules = new PolicyModules((module) => this.startModule(module));

  /** Without addresses, the modules of the policy engine have to run already. */
  constructor(private readonly policyWasmAddresses?: Record<PolicyModule, string>) {}

  /** Compiles and starts the module, then is ready. */
  static async start(address: string, policyWasmAddresses: Record<PolicyModule, string>): Promise<InlineEngine> {
    await init({ module_or_path: await compile(address) });
    return new InlineEngine(policyWasmAddresses);
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
    await this.modules.ready('verdicts');
    return this.session.answer({ kind: 'setPolicies', files, namespace }) as CompiledPolicies;
  }

  private async startModule(module: PolicyModule): Promise<void> {
    if (this.policyWasmAddresses) {
      const wasm = await compile(this.policyWasmAddresses[module]);
      this.session.answer({ kind: 'startPolicies', module, wasm });
    }
  }

  async explain(row: number): Promise<Explanation> {
    return this.session.answer({ kind: 'explain', row }) as Explanation;
  }

  async lint(): Promise<Finding[]> {
    await this.modules.ready('lint');
    return this.session.answer({ kind: 'lint' }) as Finding[];
  }

  async suggest(rows: number[]): Promise<Fix> {
    await this.modules.ready('suggest');
    return this.session.answer({ kind: 'suggest', rows }) as Fix;
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
