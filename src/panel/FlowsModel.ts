import type { DataFrame, QueryResultMetaNotice } from '@grafana/data';

import { text } from './text';
import { readFrames, samePacked, type PackedAnswer } from './frames';
import {
  messageOf,
  textOf,
  type CompiledPolicies,
  type Connection,
  type Explanation,
  type FileFormat,
  type Finding,
  type Fix,
  type FlowBatch,
  type FlowsEngine,
  type FlowsView,
  type ModuleName,
  type PolicyFile,
  type Reachability,
  type RefusedDocument,
  type ViewSpec,
} from './engine/protocol';
import type { StartedEngine } from './engine/startEngine';
import { WorkerGone } from './engine/WorkerEngine';
import { sameFiles, type PoliciesAnswer } from './policies/policyFrames';
import type { Column, TextColumnId } from './table/columns';

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
  policies: PoliciesState;
  /** There while someone looks at the policies. */
  check?: PoliciesCheck;
}

/** What the lints find. */
export interface PoliciesCheck {
  /** None until they are there. */
  findings?: Finding[];
  error?: string;
}

export interface PoliciesState {
  files: PolicyFile[];
  /** Of policies that name none; empty where that is not known. */
  namespace: string;
  /** What of the policies could not be had. */
  notices: QueryResultMetaNotice[];
  /** How many are compiled; 0 while they are not. */
  compiled: number;
  refused: RefusedDocument[];
  /** Why the latest policies are not in use. */
  problem?: string;
}

const noPolicies: PoliciesState = { files: [], namespace: '', notices: [], compiled: 0, refused: [] };

export interface FlowDetail {
  row: number;
  /** What its row says, which is there at once. */
  cells: Pick<Record<TextColumnId, string>, 'verdict' | 'source' | 'destination' | 'summary' | 'dropReason'>;
  /** The flow as JSON, once it is read. */
  json?: string;
  error?: string;
  /** Why the policies judge it as they do, once that is known; none without policies. */
  explanation?: Explanation;
  explanationError?: string;
  /** The smallest additions that let it pass, once someone asked for them. */
  fix?: Fix | 'asked';
  fixError?: string;
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
  /** Whether policies will come for the flows of the latest answer. */
  private expectsPolicies = false;
  /** Whether the whole engine could not be had for the latest answer, so that the decoder has to do. */
  private isDecoderOnly = false;
  /** Counts loads; what belongs to any but the latest is dropped. */
  private loads = 0;
  private viewUnderWay = false;
  private viewStale = false;
  private disposed = false;
  /** Counts how often a flow was opened or closed; what is read for another one is dropped. */
  private openings = 0;
  /** The load that the opened flow is of. */
  private openedIn = 0;
  /** The files that the engine compiled last, or is compiling. */
  private sent: readonly PolicyFile[] = [];

  constructor(
    private readonly start: (module: ModuleName) => Promise<StartedEngine>,
    spec: ViewSpec
  ) {
    this.state = { phase: 'idle', answer: readFrames([]), spec, policies: noPolicies };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly getState = (): FlowsState => this.state;

  /**
   * Takes the frames of an answer; frames that are loaded already are not decoded again. Where policies are expected,
   * the whole engine is started at once.
   */
  setSeries(series: readonly DataFrame[], expectsPolicies = false): void {
    const answer = readFrames(series);
    this.expectsPolicies = expectsPolicies;
    const known = this.state.batch !== undefined && samePacked(answer, this.state.answer);
    this.update({ answer });
    if (answer.frames.length === 0) {
      this.unload();
    } else if (!known) {
      this.isDecoderOnly = false;
      void this.load(answer);
    }
  }

  /** Takes the policies of an answer; those that are compiled already are not compiled again. */
  setPolicies({ files, notices, namespace }: PoliciesAnswer): void {
    const { policies } = this.state;
    const same = namespace === policies.namespace && sameFiles(files, policies.files);
    this.update({
      policies: { ...policies, files: same ? policies.files : files, namespace, notices, problem: undefined },
    });
    void this.sendPolicies();
  }

  /** Policies could not be had; those of before stay in use. */
  noPolicies(problem: string): void {
    this.update({ policies: { ...this.state.policies, problem } });
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

  /** Shows or hides the flows that compare so with the policies, among those that occur. */
  toggleAgreement(agreement: string): void {
    const { spec, batch } = this.state;
    const all = batch?.agreements ?? [];
    const shown = spec.agreements.includes(agreement)
      ? spec.agreements.filter((other) => other !== agreement)
      : [...spec.agreements, agreement];
    // Flows that are not judged are hidden by any choice: choosing all is still a choice.
    const none = all.length === 0 || shown.length === 0;
    this.setSpec({ agreements: none ? [] : shown });
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
    this.openings++;
    this.openedIn = this.loads;
    this.update({ detail: opened });
    this.readDetail(row, this.engine);
    if (this.state.policies.compiled > 0) {
      this.explainDetail(row, this.engine);
    }
  }

  /** The rows that are shown as a file, with these columns. */
  async file(format: FileFormat, columns: readonly Column[]): Promise<Uint8Array<ArrayBuffer>> {
    const { phase, view } = this.state;
    if (phase !== 'ready' || !view || !this.engine) {
      throw new Error(text.toolbar.notReady);
    }
    const ids = columns.map(({ id }) => id);
    return this.engine.file({ format, rows: view.rows, columns: ids, titles: columns.map(({ title }) => title) });
  }

  /** Asks for the smallest additions that let the opened flow pass. */
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
    this.engine.suggest([detail.row]).then(
      (fix) => this.settleDetail(opening, { fix }),
      (error: unknown) => this.settleDetail(opening, { fix: undefined, fixError: messageOf(error) })
    );
  }

  /** Has the policies looked at, with the flows that are loaded as evidence. */
  openCheck(): void {
    const check: PoliciesCheck = {};
    this.update({ check });
    const settle = (read: PoliciesCheck) => {
      if (this.state.check === check && !this.disposed) {
        this.update({ check: read });
      }
    };
    this.engine?.lint().then(
      (findings) => settle({ findings }),
      (error: unknown) => settle({ error: messageOf(error) })
    );
  }

  /** May one reach the other? Answered from the policies and flows at hand. */
  ask(connection: Connection, withFix: boolean): Promise<Reachability> {
    return this.engine?.ask(connection, withFix) ?? Promise.reject(new Error(text.ask.notReady));
  }

  closeCheck(): void {
    this.update({ check: undefined });
  }

  closeDetail(): void {
    this.openings++;
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
    this.sent = [];
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
        void this.sendPolicies();
      }
    } catch (error) {
      if (isLatest()) {
        this.forget(error);
        this.update({ phase: 'failed', error: messageOf(error), batch: undefined, view: undefined });
      }
    }
  }

  /** The module that can do what is asked: the whole engine, where there are policies. */
  private get module(): ModuleName {
    const hasPolicies = this.expectsPolicies || this.state.policies.files.length > 0;
    return hasPolicies && !this.isDecoderOnly ? 'engine' : 'decoder';
  }

  /** An engine that can do what is asked; it takes the place of one that cannot. */
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

  /** Has the engine compile the latest policies, unless it did. */
  private async sendPolicies(): Promise<void> {
    const { files, namespace } = this.state.policies;
    const engine = this.engine;
    // What is being decoded is judged once it is there.
    if (
      !engine ||
      this.state.phase !== 'ready' ||
      this.sent === files ||
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
      const compiled = await engine.setPolicies(files, namespace);
      if (this.disposed || engine !== this.engine || this.sent !== files) {
        return;
      }
      this.takeCompiled(compiled, loads);
    } catch (error) {
      if (!this.disposed && this.sent === files) {
        this.forget(error);
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
    // A row of flows that were loaded before is another flow now.
    if (detail && this.engine && compiled > 0 && this.openedIn === this.loads) {
      this.explainDetail(detail.row, this.engine);
    }
  }

  /** Has the whole engine take the decoder's place, with the same flows: rows keep their meaning. */
  private async loadAgain(): Promise<void> {
    const decoder = this.engine;
    const isOpen = this.openedIn === this.loads;
    const loading = this.load(this.state.answer);
    const load = this.loads;
    if (isOpen) {
      this.openedIn = load;
    }
    await loading;
    const { detail, phase } = this.state;
    // What the decoder was asked for, it takes with it.
    if (this.engine && this.engine !== decoder && load === this.loads && phase === 'ready' && detail && isOpen) {
      this.readDetail(detail.row, this.engine);
    }
  }

  private readDetail(row: number, engine: FlowsEngine): void {
    const opening = this.openings;
    engine.record(row).then(
      (json) => this.settleDetail(opening, { json }),
      (error: unknown) => {
        const isReplaced = this.engine !== undefined && this.engine !== engine;
        if (!isReplaced) {
          this.settleDetail(opening, { error: messageOf(error) });
        }
      }
    );
  }

  private explainDetail(row: number, engine: FlowsEngine): void {
    const opening = this.openings;
    engine.explain(row).then(
      (explanation) => this.settleDetail(opening, { explanation, explanationError: undefined }),
      (error: unknown) => this.settleDetail(opening, { explanationError: messageOf(error) })
    );
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

  private settleDetail(opening: number, read: Partial<FlowDetail>) {
    const { detail } = this.state;
    if (detail && opening === this.openings && !this.disposed) {
      this.update({ detail: { ...detail, ...read } });
    }
  }

  /** A worker that is gone is started anew by the next load. */
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
