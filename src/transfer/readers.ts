/** Readers of the values in a line. Each returns undefined for a value that it does not read. */

export type Reader<T> = (value: unknown) => T | undefined;

/** Reads a text. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Returns a reader that also reads null. */
export function orNull<T>(read: Reader<T>): Reader<T | null> {
  return (value) => (value === null ? null : read(value));
}

const rfc3339 =
  /^(?<date>(?:19[7-9]\d|[2-9]\d{3})-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/** The maximum length of a time, in characters. No time of these formats is as long. */
const maxTimeLength = 40;

/** Reads a time of RFC 3339, from 1970 on, to the millisecond. Finer digits are cut off. */
export function time(value: unknown): Date | undefined {
  const match = typeof value === 'string' && value.length <= maxTimeLength ? rfc3339.exec(value) : null;
  if (!match) return undefined;
  // JavaScript parses the 30th of February as the 2nd of March.
  const day = match.groups?.date ?? '';
  const isDay = new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day);
  const read = new Date(match[0].toUpperCase());
  return isDay && !Number.isNaN(read.getTime()) ? read : undefined;
}
