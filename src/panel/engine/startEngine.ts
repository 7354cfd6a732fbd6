import decoderAddress from '../../../frontend-wasm/pkg/decoder_bg.wasm?address';
import engineAddress from '../../../frontend-wasm/pkg/engine_bg.wasm?address';
import { text } from '../text';
import { InlineEngine } from './InlineEngine';
import { messageOf, type FlowsEngine, type ModuleName } from './protocol';
import workerScript from './worker?worker-text';
import { WorkerEngine, type WorkerLimits } from './WorkerEngine';

/**
 * Time limits of a worker. One that may run starts within milliseconds, but compiling on a slow machine takes a second
 * or two. The longest call, 100,000 flows or 50,000 verdicts, takes a few seconds.
 */
const limits: WorkerLimits = { startMs: 5_000, callMs: 60_000 };

export interface StartedEngine {
  engine: FlowsEngine;
  /** Reason for decoding on the page's own thread, if it is used. */
  onMainThread?: string;
}

const fetched = new Map<string, Promise<ArrayBuffer>>();

const addresses: Record<ModuleName, string> = { decoder: decoderAddress, engine: engineAddress };

/** Starts a module in a worker, else on this thread. */
export async function startEngine(module: ModuleName): Promise<StartedEngine> {
  if (typeof WebAssembly === 'undefined') {
    throw new Error(text.states.noWasm);
  }
  const address = addresses[module];
  try {
    return { engine: await WorkerEngine.start(workerScript, module, await bytesOf(address), limits) };
  } catch (why) {
    try {
      return { engine: await InlineEngine.start(module, address), onMainThread: messageOf(why) };
    } catch (cause) {
      throw cause instanceof WebAssembly.CompileError ? new Error(text.states.noWasm, { cause }) : cause;
    }
  }
}

/** A module's bytes, fetched once for all panels of a page. */
function bytesOf(address: string): Promise<ArrayBuffer> {
  const known = fetched.get(address);
  if (known) {
    return known;
  }
  const bytes = fetch(address).then(async (response) => {
    if (!response.ok) {
      throw new Error(`${address} answered with status ${response.status}`);
    }
    return response.arrayBuffer();
  });
  fetched.set(address, bytes);
  // After a failed fetch, the next panel tries again.
  bytes.catch(() => fetched.delete(address));
  return bytes;
}
