import {
  FieldType,
  getFieldDisplayName,
  toDataFrame,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
} from '@grafana/data';

import { isPromql, type HubbleQuery } from './query/model';

/** A time span in which an expression has values for a series. */
interface PromqlEvent {
  time: number;
  /** `null` for a single point. */
  timeEnd: number | null;
  title: string;
  text: string;
}

/** Whether a request is for annotations. Grafana marks it only by this scoped variable. */
export function isAnnotationRequest({ scopedVars, targets }: DataQueryRequest<HubbleQuery>): boolean {
  return scopedVars?.['__annotation'] !== undefined && targets.some(isPromql);
}

/**
 * A PromQL answer as annotation events, in the columns that Grafana reads. Consecutive values of a series are one event;
 * a comparison such as `up == 0` has values only while it is true.
 */
export function toAnnotationEvents(response: DataQueryResponse, intervalMs: number): DataQueryResponse {
  const frames = response.data as DataFrame[];
  const series = frames.filter((frame) => frame.fields.some(({ type }) => type === FieldType.number));
  if (series.length === 0) {
    return response;
  }
  const events = series.flatMap((frame) => eventsOf(frame, frames, intervalMs));
  const column = (name: keyof PromqlEvent, type: FieldType) => ({
    name,
    type,
    config: {},
    values: events.map((event) => event[name]),
  });
  const [first] = series;
  const frame = toDataFrame({
    refId: first?.refId,
    meta: { ...first?.meta, type: undefined },
    fields: [
      column('time', FieldType.time),
      column('timeEnd', FieldType.time),
      column('title', FieldType.string),
      column('text', FieldType.string),
    ],
  });
  return { ...response, data: [frame, ...frames.filter((other) => !series.includes(other))] };
}

function eventsOf(frame: DataFrame, all: DataFrame[], intervalMs: number): PromqlEvent[] {
  const timeField = frame.fields.find(({ type }) => type === FieldType.time);
  const times: number[] = timeField?.values ?? [];
  const stepMs = Math.max(intervalMs, timeField?.config.interval ?? 0);
  return frame.fields
    .filter(({ type }) => type === FieldType.number)
    .flatMap((field) => {
      const valueTimes = times.filter((_, at) => field.values[at] !== null && field.values[at] !== undefined);
      const title = getFieldDisplayName(field, frame, all);
      const labels = Object.entries(field.labels ?? {}).filter(([name]) => name !== '__name__');
      const text = labels.map(([name, value]) => `${name}=${value}`).join(', ') || title;
      const spans: PromqlEvent[] = [];
      for (const time of valueTimes) {
        const last = spans.at(-1);
        if (last && time - (last.timeEnd ?? last.time) <= stepMs) {
          last.timeEnd = time;
        } else {
          spans.push({ time, timeEnd: null, title, text });
        }
      }
      return spans;
    });
}
