import init from '../../../frontend-wasm/pkg/frontend_wasm';
import type { FlowBatch, FlowsEngine, FlowsView, ViewSpec } from './protocol';
import { Session } from './session';

/** Decodes on the page's own thread, where no worker can be had. The module has to run already. */
export class InlineEngine implements FlowsEngine {
  private readonly session = new Session();

  /** Compiles and starts the module, then is ready. */
  static async start(address: string): Promise<InlineEngine> {
    await init({ module_or_path: await compile(address) });
    return new InlineEngine();
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
