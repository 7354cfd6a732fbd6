import initDecoder, { FlowTable, type InitInput } from '../../../frontend-wasm/pkg/decoder';
import initEngine from '../../../frontend-wasm/pkg/engine';
import { PolicySession } from './policySession';
import type { ModuleName } from './protocol';
import { Session } from './session';

/** Starts a Wasm module on this thread. */
export async function startSession(module: ModuleName, wasm: InitInput): Promise<Session> {
  await (module === 'engine' ? initEngine : initDecoder)({ module_or_path: wasm });
  return sessionOf(module);
}

/** A session of a running module. */
export function sessionOf(module: ModuleName): Session {
  return module === 'engine' ? new PolicySession() : new Session(() => new FlowTable());
}
