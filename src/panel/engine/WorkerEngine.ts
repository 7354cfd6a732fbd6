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
  constructor(why: string) {
    super(`the worker that decodes flows stopped: ${why}`);
    this.name = 'WorkerGone';
  }
}

interface Pending {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** An engine in a worker made from text, since a worker by URL fails if plugins come from a CDN. */
export class WorkerEngine implements FlowsEngine {
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  private gone: WorkerGone | undefined;

  private constructor(
    readonly module: ModuleName,
    private readonly worker: Worker
  ) {
    worker.onmessage = ({ data }: MessageEvent<Response>) => this.settle(data);
    worker.onerror = (event) => this.stop(event.message || 'no reason given');
  }

  /**
   * Starts a worker and waits until its module runs. A browser that forbids the worker often just
   * stays silent, hence the time limit.
   */
  static start(script: string, module: ModuleName, wasm: ArrayBuffer, timeoutMs: number): Promise<WorkerEngine> {
    return new Promise((resolve, reject) => {
      const address = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
      let worker: Worker | undefined;
      const done = (why?: string) => {
        clearTimeout(timer);
        URL.revokeObjectURL(address);
        if (why === undefined && worker) {
          resolve(new WorkerEngine(module, worker));
        } else {
          worker?.terminate();
          reject(new Error(why));
        }
      };
      const timer = setTimeout(() => done(`the worker did not answer within ${timeoutMs / 1000} s`), timeoutMs);
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

  load(frames: string[][]): Promise<FlowBatch> {
    return this.call({ kind: 'load', frames });
  }

  view(spec: ViewSpec): Promise<FlowsView> {
    return this.call({ kind: 'view', spec });
  }

  record(row: number): Promise<string> {
    return this.call({ kind: 'record', row });
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
      this.pending.set(request.id, { resolve, reject });
      this.worker.postMessage(request);
    });
  }

  private settle(response: Response) {
    if (response.kind !== 'answer' && response.kind !== 'failure') {
      return;
    }
    const pending = this.pending.get(response.id);
    this.pending.delete(response.id);
    if (response.kind === 'answer') {
      pending?.resolve(response.value as never);
    } else {
      pending?.reject(new Error(response.message));
    }
  }

  private stop(why: string) {
    this.gone ??= new WorkerGone(why);
    this.worker.terminate();
    for (const { reject } of this.pending.values()) {
      reject(this.gone);
    }
    this.pending.clear();
  }
}
