import type { DataFrame } from '@grafana/data';

import { readFrames, samePacked, type PackedAnswer } from './frames';
import { messageOf, textOf, type FlowBatch, type FlowsEngine, type FlowsView, type ViewSpec } from './engine/protocol';
import type { StartedEngine } from './engine/startEngine';
import { WorkerGone } from './engine/WorkerEngine';
import type { TextColumnId } from './table/columns';

export interface FlowsState {
  /** Idle while no answer holds flows: nothing is started for a panel that draws none. */
  phase: 'idle' | 'starting' | 'decoding' | 'ready' | 'failed';
  answer: PackedAnswer;
  batch?: FlowBatch;
  view?: FlowsView;
  spec: ViewSpec;
  /** Why the flows could not be decoded. */
  error?: string;
  /** Why flows are decoded on the page's own thread, where they are. */
  onMainThread?: string;
  detail?: FlowDetail;
}

export interface FlowDetail {
  row: number;
  /** What its row says, which is there at once. */
  cells: Pick<Record<TextColumnId, string>, 'verdict' | 'source' | 'destination' | 'summary' | 'dropReason'>;
  /** The flow as JSON, once it is read. */
  json?: string;
  error?: string;
}

/**
 * What the panel shows and how it came to it. It outlives renders; React draws its state and calls
 * its methods, nothing else.
 */
export class FlowsModel {
  private state: FlowsState;
  private readonly listeners = new Set<() => void>();
  private engine: FlowsEngine | undefined;
  private starting: Promise<FlowsEngine> | undefined;
  /** Counts loads; what belongs to any but the latest is dropped. */
  private loads = 0;
  private viewUnderWay = false;
  private viewStale = false;
  private disposed = false;

  constructor(
    private readonly start: () => Promise<StartedEngine>,
    spec: ViewSpec
  ) {
    this.state = { phase: 'idle', answer: readFrames([]), spec };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly getState = (): FlowsState => this.state;

  /** Takes the frames of an answer; frames that are loaded already are not decoded again. */
  setSeries(series: readonly DataFrame[]): void {
    const answer = readFrames(series);
    const known = this.state.batch !== undefined && samePacked(answer, this.state.answer);
    this.update({ answer });
    if (answer.frames.length === 0) {
      this.unload();
    } else if (!known) {
      void this.load(answer);
    }
  }

  /** Changes what is shown of the flows. */
  setSpec(change: Partial<ViewSpec>): void {
    this.update({ spec: { ...this.state.spec, ...change } });
    void this.refreshView();
  }

  /** Sorts by a column; by the same one again in the other direction. Time starts with the newest. */
  sortBy(sort: ViewSpec['sort']): void {
    const { spec } = this.state;
    this.setSpec({ sort, descending: spec.sort === sort ? !spec.descending : sort === 'time' });
  }

  /** Shows or hides the flows of a verdict, among those that occur. */
  toggleVerdict(verdict: string): void {
    const { spec, batch } = this.state;
    const all = batch?.verdicts ?? [];
    const shown = spec.verdicts.includes(verdict)
      ? spec.verdicts.filter((other) => other !== verdict)
      : [...spec.verdicts, verdict];
    this.setSpec({ verdicts: all.length > 1 && all.every((other) => shown.includes(other)) ? [] : shown });
  }

  /** Reads the whole of one flow. Rows have no meaning while other flows are being decoded. */
  openDetail(row: number): void {
    const { phase, batch } = this.state;
    if (phase !== 'ready' || !batch || !this.engine) {
      return;
    }
    const cell = (column: TextColumnId) => textOf(batch, column, row);
    const opened: FlowDetail = {
      row,
      cells: {
        verdict: cell('verdict'),
        source: cell('source'),
        destination: cell('destination'),
        summary: cell('summary'),
        dropReason: cell('dropReason'),
      },
    };
    this.update({ detail: opened });
    this.engine.record(row).then(
      (json) => this.settleDetail(opened, { ...opened, json }),
      (error: unknown) => this.settleDetail(opened, { ...opened, error: messageOf(error) })
    );
  }

  closeDetail(): void {
    this.update({ detail: undefined });
  }

  /** Stops the worker and gives its memory back. */
  dispose(): void {
    this.disposed = true;
    this.unload();
    this.listeners.clear();
  }

  private unload(): void {
    this.loads++;
    this.engine?.dispose();
    this.engine = undefined;
    this.update({ phase: 'idle', batch: undefined, view: undefined, error: undefined, onMainThread: undefined });
  }

  private async load(answer: PackedAnswer): Promise<void> {
    const load = ++this.loads;
    const isLatest = () => load === this.loads && !this.disposed;
    try {
      this.update({ phase: this.engine ? 'decoding' : 'starting', error: undefined });
      const engine = await this.running();
      if (!isLatest()) {
        return;
      }
      this.update({ phase: 'decoding' });
      const batch = await engine.load(answer.frames);
      if (!isLatest()) {
        return;
      }
      const view = await engine.view(this.state.spec);
      if (isLatest()) {
        this.update({ phase: 'ready', batch, view });
        this.refreshStaleView();
      }
    } catch (error) {
      if (isLatest()) {
        this.forget(error);
        this.update({ phase: 'failed', error: messageOf(error), batch: undefined, view: undefined });
      }
    }
  }

  private running(): Promise<FlowsEngine> {
    if (this.engine) {
      return Promise.resolve(this.engine);
    }
    this.starting ??= this.start()
      .then(({ engine, onMainThread }) => {
        if (this.disposed || this.state.phase === 'idle') {
          engine.dispose();
        } else {
          this.engine = engine;
          this.update({ onMainThread });
        }
        return engine;
      })
      .finally(() => (this.starting = undefined));
    return this.starting;
  }

  /** Asks for the rows of the current spec; one question at a time, the last one wins. */
  private async refreshView(): Promise<void> {
    if (this.viewUnderWay || this.state.phase !== 'ready' || !this.engine) {
      this.viewStale = true;
      return;
    }
    const loads = this.loads;
    this.viewUnderWay = true;
    this.viewStale = false;
    try {
      const view = await this.engine.view(this.state.spec);
      if (loads === this.loads && !this.disposed) {
        this.update({ view });
      }
    } catch (error) {
      if (loads === this.loads && !this.disposed) {
        this.forget(error);
        this.update({ phase: 'failed', error: messageOf(error), batch: undefined, view: undefined });
      }
    } finally {
      this.viewUnderWay = false;
      this.refreshStaleView();
    }
  }

  private refreshStaleView() {
    if (this.viewStale && this.state.phase === 'ready' && !this.disposed) {
      void this.refreshView();
    }
  }

  private settleDetail(opened: FlowDetail, detail: FlowDetail) {
    if (this.state.detail === opened && !this.disposed) {
      this.update({ detail });
    }
  }

  /** A worker that is gone is started anew by the next load. */
  private forget(error: unknown) {
    if (error instanceof WorkerGone) {
      this.engine = undefined;
    }
  }

  private update(change: Partial<FlowsState>) {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) {
      listener();
    }
  }
}
