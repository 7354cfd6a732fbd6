import { dateTimeFormat, type TimeZone } from '@grafana/data';

/** A time in the backend's messages. */
const written = /\b(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,9})?) UTC\b/g;

/** A message of the backend with its times in another time zone. */
export function inZone(sentence: string, timeZone: TimeZone): string {
  return sentence.replace(written, (whole, day: string, time: string) => {
    const timeMs = Date.parse(`${day}T${time}Z`);
    return Number.isNaN(timeMs) ? whole : dateTimeFormat(timeMs, { timeZone, format: 'YYYY-MM-DD HH:mm:ss' });
  });
}

/** Times as short as is unambiguous, next to each other and to `nowMs`: `20:44`, or with the date or seconds. */
export function shortTimes(timesMs: readonly number[], nowMs: number, timeZone: TimeZone): string[] {
  const say = (format: string) => (timeMs: number) => dateTimeFormat(timeMs, { timeZone, format });
  const different = (format: string) => new Set(timesMs.map(say(format))).size === new Set(timesMs).size;
  const day = timesMs.every((timeMs) => say('YYYY-MM-DD')(timeMs) === say('YYYY-MM-DD')(nowMs)) ? '' : 'YYYY-MM-DD ';
  return timesMs.map(say(`${day}${different(`${day}HH:mm`) ? 'HH:mm' : 'HH:mm:ss'}`));
}
