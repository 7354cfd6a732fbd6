import type { DataFrame } from '@grafana/data';

import { text } from './text';
import { beginsWith, readFrames, type PackedRow } from './frames';
import {
  grow,
  messageOf,
  textOf,
  type CellCondition,
  type CompiledPolicies,
  type Connection,
  type FileFormat,
  type FlowsEngine,
  type FlowValues,
  type ModuleName,
  type PolicyFile,
  type Reachability,
  type TextColumnId,
  type ViewSpec,
} from './engine/protocol';
import type { StartedEngine } from './engine/startEngine';
import { WorkerGone } from './engine/WorkerEngine';
import { noPolicies, type FlowsState, type PoliciesCheck, type FlowDetail } from './flowsState';
import { sameFiles, type PoliciesAnswer } from './policies/policyFrames';
import type { Column } from './table/columns';
import { rowAfter } from './table/lines';

/** Maximum number of workers that are replaced for the flows of one answer. */
const maxReplaced = 2;

/**
 * State of the panel, with the steps that lead to it. It outlives renders; React only draws its state and calls its
 * methods.
 */
export class FlowsModel {
  private state: FlowsState;
  private readonly listeners = new Set<() => void>();
  private engine: FlowsEngine | undefined;
  private starting: Promise<FlowsEngine> | undefined;
  /** Whether policies are expected for the flows of the latest answer. */
  private expectsPolicies = false;
  /** Whether the whole engine failed to start for the latest answer, so that the decoder stays. */
  private isDecoderOnly = false;
  /** Number of loads; results of any but the latest are dropped. */
  private loads = 0;
  /** The frames that the engine has, or is reading. */
  private taken: readonly PackedRow[][] = [];
  /** Whether the engine is reading frames, or starts for that. */
  private isReading = false;
  private viewUnderWay = false;
  private viewStale = false;
  private disposed = false;
  /** Number of times that a flow was opened or closed; results for an earlier one are dropped. */
  private openings = 0;
  /** Number of the load that the opened flow belongs to. */
  private openedIn = 0;
  /** The files that the engine compiled last, or is compiling. */
  private sent: readonly PolicyFile[] = [];
  /** The files that a worker did not compile in time; they are not sent again. */
  private hanging: readonly PolicyFile[] | undefined;
  /** Number of workers that hung with the flows of the latest answer. */
  private hangs = 0;

  constructor(
    private readonly start: (module: ModuleName) => Promise<StartedEngine>,
    spec: ViewSpec
  ) {
    this.state = { phase: 'idle', answer: readFrames([]), decoded: 0, viewOf: 0, spec, policies: noPolicies };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly getState = (): FlowsState => this.state;

  /**
   * Takes the frames of an answer; frames that are loaded already are not decoded again: of an answer that comes in
   * slices only the new ones are. Where policies are expected, the whole engine is started at once.
   */
  setSeries(series: readonly DataFrame[], expectsPolicies = false): void {
    const answer = readFrames(series);
    this.expectsPolicies = expectsPolicies;
    const goesOn = this.taken.length > 0 && beginsWith(answer.frames, this.taken);
    this.update({ answer });
    if (answer.frames.length === 0) {
      this.unload();
    } else if (goesOn) {
      void this.appendRest();
    } else {
      this.isDecoderOnly = false;
      this.hangs = 0;
      this.update({ replaced: undefined });
      void this.load();
    }
  }

  /** Takes the policies of an answer; policies that are already compiled are not compiled again. */
  setPolicies({ files, notices, namespace }: PoliciesAnswer): void {
    const { policies } = this.state;
    const same = namespace === policies.namespace && sameFiles(files, policies.files);
    this.update({
      policies: { ...policies, files: same ? policies.files : files, namespace, notices, problem: undefined },
    });
    void this.sendPolicies();
  }

  /** Records that the policies could not be loaded; the earlier ones stay in use. */
  noPolicies(problem: string): void {
    this.update({ policies: { ...this.state.policies, problem } });
  }

  /** Changes the filter or the order of the flows. */
  setSpec(change: Partial<ViewSpec>): void {
    this.update({ spec: { ...this.state.spec, ...change } });
    void this.refreshView();
  }

  /** Sorts by a column; a second call reverses the order. Time starts with the newest. */
  sortBy(sort: ViewSpec['sort']): void {
    const { spec } = this.state;
    this.setSpec({ sort, descending: spec.sort === sort ? !spec.descending : sort === 'time' });
  }

  /** Shows or hides the flows with a verdict, among the verdicts that occur. */
  toggleVerdict(verdict: string): void {
    const { spec, batch } = this.state;
    const all = batch?.verdicts ?? [];
    const shown = spec.verdicts.includes(verdict)
      ? spec.verdicts.filter((other) => other !== verdict)
      : [...spec.verdicts, verdict];
    this.setSpec({ verdicts: all.length > 1 && all.every((other) => shown.includes(other)) ? [] : shown });
  }

  /** Shows or hides the flows with an agreement, among the agreements that occur. */
  toggleAgreement(agreement: string): void {
    const { spec, batch } = this.state;
    const all = batch?.agreements ?? [];
    const shown = spec.agreements.includes(agreement)
      ? spec.agreements.filter((other) => other !== agreement)
      : [...spec.agreements, agreement];
    // Any choice hides flows without an agreement, so choosing all agreements still filters.
    const none = all.length === 0 || shown.length === 0;
    this.setSpec({ agreements: none ? [] : shown });
  }

  /** Adds a condition on a cell, or takes it back if it is set already. Its opposite goes. */
  toggleCondition(condition: CellCondition): void {
    const { conditions } = this.state.spec;
    const others = conditions.filter(({ column, value }) => column !== condition.column || value !== condition.value);
    const isSet = conditions.some(
      ({ column, value, excluded }) =>
        column === condition.column && value === condition.value && excluded === condition.excluded
    );
    this.setSpec({ conditions: isSet ? others : [...others, condition] });
  }

  /** Values of a flow by the names of Hubble's flags. */
  async values(row: number): Promise<FlowValues> {
    if (this.state.phase !== 'ready' || !this.engine) {
      throw new Error(text.toolbar.notReady);
    }
    return this.watched(this.engine, (engine) => engine.values(row));
  }

  /** Opens the flow that stands a number of packets after the opened one, in the order of the table. */
  openNext(step: number): void {
    const { detail, view } = this.state;
    const next = detail && view && rowAfter(view, detail.row, step);
    if (next !== undefined && this.openedIn === this.loads) {
      this.openDetail(next);
    }
  }

  /** Reads all of one flow. Row numbers are not valid while other flows are being decoded. */
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
    this.openings++;
    this.openedIn = this.loads;
    this.update({ detail: opened });
    this.readDetail(row, this.engine);
    if (this.state.policies.compiled > 0) {
      this.explainDetail(row, this.engine);
    }
  }

  /** Rows as a file, with these columns; all that are shown, unless some are given. */
  async file(
    format: FileFormat,
    columns: readonly Column[],
    rows = this.state.view?.rows
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { phase } = this.state;
    if (phase !== 'ready' || !rows || !this.engine) {
      throw new Error(text.toolbar.notReady);
    }
    const ids = columns.map(({ id }) => id);
    const titles = columns.map(({ title }) => title);
    return this.watched(this.engine, (engine) => engine.file({ format, rows, columns: ids, titles }));
  }

  /** Requests the smallest additions that let the opened flow pass. */
  suggestFix(): void {
    const { detail } = this.state;
    if (!detail || !this.engine) {
      return;
    }
    const opening = this.openings;
    if (this.openedIn !== this.loads) {
      this.settleDetail(opening, { fixError: text.fix.stale });
      return;
    }
    this.settleDetail(opening, { fix: 'asked', fixError: undefined });
    this.watched(this.engine, (engine) => engine.suggest([detail.row])).then(
      (fix) => this.settleDetail(opening, { fix }),
      (error: unknown) => this.settleDetail(opening, { fix: undefined, fixError: messageOf(error) })
    );
  }

  /** Starts the policy check, with the loaded flows as evidence. */
  openCheck(): void {
    const check: PoliciesCheck = {};
    this.update({ check });
    const settle = (read: PoliciesCheck) => {
      if (this.state.check === check && !this.disposed) {
        this.update({ check: read });
      }
    };
    if (this.engine) {
      this.watched(this.engine, (engine) => engine.lint()).then(
        (findings) => settle({ findings }),
        (error: unknown) => settle({ error: messageOf(error) })
      );
    }
  }

  /** Answers whether a source may reach a destination, from the policies and flows at hand. */
  ask(connection: Connection, withFix: boolean): Promise<Reachability> {
    const { engine } = this;
    return engine
      ? this.watched(engine, () => engine.ask(connection, withFix))
      : Promise.reject(new Error(text.ask.notReady));
  }

  closeCheck(): void {
    this.update({ check: undefined });
  }

  closeDetail(): void {
    this.openings++;
    this.update({ detail: undefined });
  }

  /** Stops the worker and frees its memory. */
  dispose(): void {
    this.disposed = true;
    this.unload();
    this.listeners.clear();
  }

  private unload(): void {
    this.loads++;
    this.engine?.dispose();
    this.engine = undefined;
    this.sent = [];
    this.taken = [];
    this.isReading = false;
    this.update({ phase: 'idle', batch: undefined, view: undefined, error: undefined, onMainThread: undefined });
  }

  private async load(): Promise<void> {
    const load = ++this.loads;
    const isLatest = () => load === this.loads && !this.disposed;
    this.isReading = true;
    this.taken = this.state.answer.frames;
    try {
      this.update({ phase: this.engine ? 'decoding' : 'starting', error: undefined });
      const engine = await this.running();
      if (!isLatest()) {
        return;
      }
      this.update({ phase: 'decoding' });
      // Further slices may have come while the engine started.
      const { frames } = this.state.answer;
      this.taken = frames;
      const batch = await engine.load(frames);
      if (!isLatest()) {
        return;
      }
      const view = await this.watched(engine, () => engine.view(this.state.spec));
      if (isLatest()) {
        this.isReading = false;
        this.update({ phase: 'ready', batch, decoded: frames.length, view, viewOf: this.state.viewOf + 1 });
        this.refreshStaleView();
        void this.sendPolicies();
        void this.appendRest();
      }
    } catch (error) {
      if (isLatest()) {
        this.failed(error);
      }
    }
  }

  /** Makes the engine read the frames that came since it began to read the last ones. */
  private async appendRest(): Promise<void> {
    const { engine, taken, loads } = this;
    const { frames } = this.state.answer;
    if (this.isReading || this.state.phase !== 'ready' || !engine || frames.length === taken.length) {
      return;
    }
    const isLatest = () => loads === this.loads && !this.disposed;
    this.isReading = true;
    this.taken = frames;
    try {
      const grown = await this.watched(engine, () => engine.append(frames.slice(taken.length)));
      if (!isLatest()) {
        return;
      }
      // At once: texts of policies that are compiled meanwhile follow these.
      this.update({ batch: grow(this.state.batch, grown), decoded: frames.length });
      const { spec } = this.state;
      const view = await this.watched(engine, () => engine.view(spec));
      if (isLatest()) {
        this.isReading = false;
        // Another order was asked for meanwhile, and comes by itself.
        this.update(spec === this.state.spec ? { view } : {});
        void this.appendRest();
      }
    } catch (error) {
      if (isLatest()) {
        this.failed(error);
      }
    }
  }

  private failed(error: unknown): void {
    this.forget(error);
    this.taken = [];
    this.isReading = false;
    this.update({ phase: 'failed', error: messageOf(error), batch: undefined, view: undefined });
  }

  /** The required module: the whole engine if there are policies, else the decoder. */
  private get module(): ModuleName {
    const hasPolicies = this.expectsPolicies || this.state.policies.files.length > 0;
    return hasPolicies && !this.isDecoderOnly ? 'engine' : 'decoder';
  }

  /** A running engine of the required module; it replaces one that lacks a required function. */
  private running(): Promise<FlowsEngine> {
    const { engine, module } = this;
    if (engine && (module === 'decoder' || engine.module === 'engine')) {
      return Promise.resolve(engine);
    }
    this.starting ??= this.started(module).finally(() => (this.starting = undefined));
    return this.starting;
  }

  private async started(module: ModuleName): Promise<FlowsEngine> {
    try {
      const { engine, onMainThread } = await this.start(module);
      if (this.disposed || this.state.phase === 'idle') {
        engine.dispose();
      } else {
        this.engine?.dispose();
        this.engine = engine;
        this.sent = [];
        this.update({ onMainThread });
      }
      return engine;
    } catch (error) {
      if (module === 'decoder') {
        throw error;
      }
      // Flows without verdicts are better than none; the next answer tries again.
      this.isDecoderOnly = true;
      this.noPolicies(text.policies.uncompiled(messageOf(error)));
      return this.engine ?? this.started('decoder');
    }
  }

  /** Makes the engine compile the latest policies, unless it did. */
  private async sendPolicies(): Promise<void> {
    const { files, namespace } = this.state.policies;
    const engine = this.engine;
    // Flows that are being decoded are judged afterwards.
    if (
      !engine ||
      this.state.phase !== 'ready' ||
      this.sent === files ||
      this.hanging === files ||
      (files.length === 0 && this.sent.length === 0)
    ) {
      return;
    }
    if (engine.module === 'decoder') {
      if (this.module === 'engine') {
        void this.loadAgain();
      }
      return;
    }
    this.sent = files;
    const loads = this.loads;
    try {
      const compiled = await this.watched(engine, () => engine.setPolicies(files, namespace));
      if (this.disposed || engine !== this.engine || this.sent !== files) {
        return;
      }
      this.takeCompiled(compiled, loads);
    } catch (error) {
      const isHanging = this.hanging === files;
      if (!this.disposed && (this.sent === files || isHanging)) {
        if (!isHanging) {
          this.forget(error);
        }
        this.noPolicies(text.policies.uncompiled(messageOf(error)));
      }
    }
  }

  private takeCompiled({ policies: compiled, refused, judged }: CompiledPolicies, loads: number): void {
    const { batch, policies, detail, spec } = this.state;
    this.update({ policies: { ...policies, compiled, refused } });
    if (loads !== this.loads || !batch || !judged) {
      return;
    }
    this.update({
      batch: {
        ...batch,
        strings: [...batch.strings.slice(0, judged.firstNew), ...judged.newStrings],
        codes: { ...batch.codes, ...judged.codes },
        agreements: judged.agreements,
        unplaced: judged.unplaced,
      },
    });
    this.setSpec(compiled > 0 ? {} : { agreements: [] });
    if (spec.sort === 'agreement' && compiled === 0) {
      this.setSpec({ sort: 'time', descending: true });
    }
    // A row of earlier flows is another flow now.
    if (detail && this.engine && compiled > 0 && this.openedIn === this.loads) {
      this.explainDetail(detail.row, this.engine);
    }
  }

  /** Replaces the decoder by the whole engine, with the same flows: row numbers stay valid. */
  private async loadAgain(): Promise<void> {
    const decoder = this.engine;
    const isOpen = this.openedIn === this.loads;
    const loading = this.load();
    const load = this.loads;
    if (isOpen) {
      this.openedIn = load;
    }
    await loading;
    const { detail, phase } = this.state;
    // The decoder's pending answers are lost with it.
    if (this.engine && this.engine !== decoder && load === this.loads && phase === 'ready' && detail && isOpen) {
      this.readDetail(detail.row, this.engine);
    }
  }

  private readDetail(row: number, engine: FlowsEngine): void {
    const opening = this.openings;
    this.watched(engine, () => engine.record(row)).then(
      (json) => this.settleDetail(opening, { json }),
      (error: unknown) => {
        const isReplaced = this.engine !== engine;
        if (!isReplaced) {
          this.settleDetail(opening, { error: messageOf(error) });
        }
      }
    );
  }

  private explainDetail(row: number, engine: FlowsEngine): void {
    const opening = this.openings;
    this.watched(engine, () => engine.explain(row)).then(
      (explanation) => this.settleDetail(opening, { explanation, explanationError: undefined }),
      (error: unknown) => this.settleDetail(opening, { explanationError: messageOf(error) })
    );
  }

  /** Requests the rows of the current spec; one request at a time, the last one wins. */
  private async refreshView(): Promise<void> {
    if (this.viewUnderWay || this.state.phase !== 'ready' || !this.engine) {
      this.viewStale = true;
      return;
    }
    const loads = this.loads;
    this.viewUnderWay = true;
    this.viewStale = false;
    try {
      const view = await this.watched(this.engine, (engine) => engine.view(this.state.spec));
      if (loads === this.loads && !this.disposed) {
        this.update({ view, viewOf: this.state.viewOf + 1 });
      }
    } catch (error) {
      if (loads === this.loads && !this.disposed) {
        this.failed(error);
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

  private settleDetail(opening: number, read: Partial<FlowDetail>) {
    const { detail } = this.state;
    if (detail && opening === this.openings && !this.disposed) {
      this.update({ detail: { ...detail, ...read } });
    }
  }

  /** Makes a call; a worker that hangs in it, or in one before it, is replaced. */
  private async watched<T>(engine: FlowsEngine, call: (engine: FlowsEngine) => Promise<T>): Promise<T> {
    try {
      return await call(engine);
    } catch (error) {
      this.replaceHanging(engine, error);
      throw error;
    }
  }

  /** Replaces a worker that hung by another one, with the same flows, unless it hung before with these. */
  private replaceHanging(engine: FlowsEngine, error: unknown): void {
    if (!(error instanceof WorkerGone) || !error.hung || engine !== this.engine || this.disposed) {
      return;
    }
    if (error.hung === 'setPolicies') {
      this.hanging = this.sent;
    }
    if (++this.hangs <= maxReplaced) {
      this.forget(error);
      this.update({ replaced: error.why });
      void this.loadAgain();
    }
  }

  /** Forgets a worker that is gone; the next load starts a new one. */
  private forget(error: unknown) {
    if (error instanceof WorkerGone) {
      this.engine = undefined;
      this.sent = [];
    }
  }

  private update(change: Partial<FlowsState>) {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) {
      listener();
    }
  }
}
