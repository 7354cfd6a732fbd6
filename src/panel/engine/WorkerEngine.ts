import type { PackedRow } from '../frames';
import type {
  Call,
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
  Request,
  Response,
  Start,
  ViewSpec,
} from './protocol';

/** The error of a worker that is gone; the flows have to be loaded again. */
export class WorkerGone extends Error {
  constructor(
    readonly why: string,
    /** The kind of the call that did not come back in time, if that was the reason. */
    readonly hung?: Call['kind']
  ) {
    super(`the worker that decodes flows stopped: ${why}`);
    this.name = 'WorkerGone';
  }
}

/** Time limits of a worker, in milliseconds. */
export interface WorkerLimits {
  /** For its start. */
  startMs: number;
  /** For each call, from when the worker is free for it. */
  callMs: number;
}

interface Pending {
  kind: Call['kind'];
  resolve(value: never): void;
  reject(error: Error): void;
}

/** An engine in a worker made from text, since a worker by URL fails if plugins come from a CDN. */
export class WorkerEngine implements FlowsEngine {
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  private gone: WorkerGone | undefined;
  /** Runs while calls are pending, anew for each: the worker answers them one after the other. */
  private timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(
    readonly module: ModuleName,
    private readonly worker: Worker,
    private readonly callMs: number
  ) {
    worker.onmessage = ({ data }: MessageEvent<Response>) => this.settle(data);
    worker.onerror = (event) => this.stop(event.message || 'no reason given');
  }

  /**
   * Starts a worker and waits until its module runs. A browser that forbids the worker often just
   * stays silent, hence the time limit.
   */
  static start(script: string, module: ModuleName, wasm: ArrayBuffer, limits: WorkerLimits): Promise<WorkerEngine> {
    const { startMs, callMs } = limits;
    return new Promise((resolve, reject) => {
      const address = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
      let worker: Worker | undefined;
      const done = (why?: string) => {
        clearTimeout(timer);
        URL.revokeObjectURL(address);
        if (why === undefined && worker) {
          resolve(new WorkerEngine(module, worker, callMs));
        } else {
          worker?.terminate();
          reject(new Error(why));
        }
      };
      const timer = setTimeout(() => done(`the worker did not answer within ${startMs / 1000} s`), startMs);
      try {
        worker = new Worker(address, { name: 'k8snet-flows' });
        worker.onerror = (event) => done(event.message || 'the browser refused to start the worker');
        worker.onmessage = ({ data }: MessageEvent<Response>) =>
          data.kind === 'ready' ? done() : done(data.kind === 'notStarted' ? data.message : 'unexpected answer');
        const start: Start = { kind: 'start', module, wasm };
        // A copy: the bytes are needed again if the worker fails.
        worker.postMessage(start);
      } catch (error) {
        done(error instanceof Error ? error.message : String(error));
      }
    });
  }

  load(frames: PackedRow[][]): Promise<FlowBatch> {
    return this.call({ kind: 'load', frames });
  }

  append(frames: PackedRow[][]): Promise<GrownBatch> {
    return this.call({ kind: 'append', frames });
  }

  view(spec: ViewSpec): Promise<FlowsView> {
    return this.call({ kind: 'view', spec });
  }

  record(row: number): Promise<string> {
    return this.call({ kind: 'record', row });
  }

  values(row: number): Promise<FlowValues> {
    return this.call({ kind: 'values', row });
  }

  file(spec: FileSpec): Promise<Uint8Array<ArrayBuffer>> {
    return this.call({ kind: 'file', spec });
  }

  setPolicies(files: PolicyFile[], namespace: string): Promise<CompiledPolicies> {
    return this.call({ kind: 'setPolicies', files, namespace });
  }

  explain(row: number): Promise<Explanation> {
    return this.call({ kind: 'explain', row });
  }

  lint(): Promise<Finding[]> {
    return this.call({ kind: 'lint' });
  }

  suggest(rows: number[]): Promise<Fix> {
    return this.call({ kind: 'suggest', rows });
  }

  ask(connection: Connection, withFix: boolean): Promise<Reachability> {
    return this.call({ kind: 'ask', connection, withFix });
  }

  dispose(): void {
    this.stop('it was disposed of');
  }

  private call<T>(call: Call): Promise<T> {
    if (this.gone) {
      return Promise.reject(this.gone);
    }
    return new Promise((resolve, reject) => {
      const request: Request = { id: ++this.lastId, call };
      this.pending.set(request.id, { kind: call.kind, resolve, reject });
      if (this.pending.size === 1) {
        this.watch();
      }
      this.worker.postMessage(request);
    });
  }

  /** Waits for the oldest pending call, if there is one. */
  private watch() {
    clearTimeout(this.timer);
    const [oldest] = this.pending.values();
    if (oldest) {
      const why = `a call took longer than ${this.callMs / 1000} s`;
      this.timer = setTimeout(() => this.stop(why, oldest.kind), this.callMs);
    }
  }

  private settle(response: Response) {
    if (response.kind !== 'answer' && response.kind !== 'failure') {
      return;
    }
    const pending = this.pending.get(response.id);
    this.pending.delete(response.id);
    this.watch();
    if (response.kind === 'answer') {
      pending?.resolve(response.value as never);
    } else {
      pending?.reject(new Error(response.message));
    }
  }

  private stop(why: string, hung?: Call['kind']) {
    this.gone ??= new WorkerGone(why, hung);
    clearTimeout(this.timer);
    this.worker.terminate();
    for (const { reject } of this.pending.values()) {
      reject(this.gone);
    }
    this.pending.clear();
  }
}
