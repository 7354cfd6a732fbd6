import wasmAddress from '../../../frontend-wasm/pkg/frontend_wasm_bg.wasm?address';
import { text } from '../text';
import { InlineEngine } from './InlineEngine';
import { messageOf, type FlowsEngine } from './protocol';
import workerScript from './worker?worker-text';
import { WorkerEngine } from './WorkerEngine';

/** A worker that may run answers within milliseconds; compiling on a slow machine takes a second or two. */
const workerTimeoutMs = 5_000;

export interface StartedEngine {
  engine: FlowsEngine;
  /** Why flows are decoded on the page itself, where they are. */
  onMainThread?: string;
}

let bytes: Promise<ArrayBuffer> | undefined;

/** Starts the decoder in a worker, else on this thread. */
export async function startEngine(): Promise<StartedEngine> {
  if (typeof WebAssembly === 'undefined') {
    throw new Error(text.states.noWasm);
  }
  try {
    return { engine: await WorkerEngine.start(workerScript, await wasmBytes(), workerTimeoutMs) };
  } catch (why) {
    try {
      return { engine: await InlineEngine.start(wasmAddress), onMainThread: messageOf(why) };
    } catch (cause) {
      throw cause instanceof WebAssembly.CompileError ? new Error(text.states.noWasm, { cause }) : cause;
    }
  }
}

/** The module's bytes, fetched once for all panels of a page. */
function wasmBytes(): Promise<ArrayBuffer> {
  bytes ??= fetch(wasmAddress).then(async (response) => {
    if (!response.ok) {
      throw new Error(`${wasmAddress} answered with status ${response.status}`);
    }
    return response.arrayBuffer();
  });
  // A fetch that failed is tried again by the next panel.
  bytes.catch(() => (bytes = undefined));
  return bytes;
}
