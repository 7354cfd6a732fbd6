import { FieldType, type DataFrame } from '@grafana/data';

/** The times of a frame, in ms. */
export function timesOf(frame: DataFrame): number[] {
  return frame.fields.find((field) => field.type === FieldType.time)?.values ?? [];
}

/**
 * The row of a time in the original frame of a series, for its links. The chart draws joined frames, which have more rows
 * than a series that begins late.
 */
export function rowAt(frame: DataFrame | undefined, time: number | undefined): number | undefined {
  const row = frame && time !== undefined ? timesOf(frame).indexOf(time) : -1;
  return row < 0 ? undefined : row;
}
