import {
  createDataFrame,
  FieldType,
  LoadingState,
  type DataFrame,
  type DataQueryResponse,
  type QueryResultMetaNotice,
} from '@grafana/data';

import { PackedBytes } from '../../packedBytes';
import { panelId } from '../../pluginIds';
import type { HubbleQuery } from '../query/model';
import { text } from '../text';
import { RecordReader, type AnswerEnd, type AnswerHead } from './records';

/** The packed format that the frames name. */
const packedFormat = 'hubble-flows/1';

/** Name and data source of an answer. */
export interface AnswerOf {
  uid: string;
  refId: string;
  key: string;
  /** The query as the page holds it: in Explore, a click on a cell changes it. */
  query: HubbleQuery;
}

/**
 * An answer that comes in slices, as frames: one for each slice. A frame's values never change, so that the panel knows
 * which flows it has; the facts about the whole answer are in the first frame's meta.
 */
export class SlicedAnswer {
  private readonly reader = new RecordReader();
  private head: AnswerHead | undefined;
  private end: AnswerEnd | undefined;
  private flows = 0;
  private slices: PackedBytes[][] = [];
  /** The batches of the slice under way. */
  private batches: PackedBytes[] = [];

  constructor(private readonly of: AnswerOf) {}

  /** Whether anything came that can be shown. */
  get hasBegun(): boolean {
    return this.head !== undefined;
  }

  /** Whether the last record came. */
  get isWhole(): boolean {
    return this.end !== undefined;
  }

  /** Takes bytes. Returns the answer so far if they complete a slice, or the answer. */
  push(chunk: Uint8Array): DataQueryResponse | undefined {
    let grew = false;
    for (const record of this.reader.push(chunk)) {
      switch (record.kind) {
        case 'head':
          this.head = record.head;
          break;
        case 'flows':
          this.batches.push(new PackedBytes(record.packed));
          break;
        case 'slice':
          this.flows = record.flows;
          this.closeSlice();
          grew = true;
          break;
        case 'end':
          this.flows = record.end.flows;
          this.closeSlice();
          this.end = record.end;
          grew = true;
          break;
      }
    }
    return grew ? this.response() : undefined;
  }

  /** The answer that broke off: what came, with a notice. */
  broken(why: string): DataQueryResponse {
    const notice: QueryResultMetaNotice = { severity: 'warning', text: text.slices.broken(this.flows, why) };
    // The flows of a slice that is not complete would have gaps among them.
    this.batches = [];
    this.end = { flows: this.flows, custom: { incomplete: [notice.text] }, notices: [notice] };
    return this.response();
  }

  private closeSlice(): void {
    if (this.batches.length > 0) {
      this.slices.push(this.batches);
      this.batches = [];
    }
  }

  private response(): DataQueryResponse {
    const { key } = this.of;
    const slices = this.slices.length > 0 ? this.slices : [[]];
    return {
      key,
      data: slices.map((rows, at) => this.frame(rows, at === 0)),
      state: this.end ? LoadingState.Done : LoadingState.Streaming,
    };
  }

  private frame(rows: PackedBytes[], isFirst: boolean): DataFrame {
    const { uid, refId, query } = this.of;
    const frame = createDataFrame({
      name: 'packed flows',
      refId,
      meta: {
        preferredVisualisationPluginId: panelId,
        ...(isFirst && this.facts()),
        custom: { packed: packedFormat, datasourceUid: uid, query, ...(isFirst && this.custom()) },
      },
      fields: [{ name: 'packed', type: FieldType.string, config: {}, values: [] }],
    });
    return { ...frame, length: rows.length, fields: frame.fields.map((field) => ({ ...field, values: rows })) };
  }

  private facts() {
    return {
      executedQueryString: this.head?.executed,
      notices: [...(this.head?.notices ?? []), ...(this.end?.notices ?? [])],
    };
  }

  private custom() {
    const { flows, head, end } = this;
    return {
      flows,
      ...head?.custom,
      ...end?.custom,
      ...(!end && { underWay: { flows, atMost: head?.limit ?? flows } }),
    };
  }
}
