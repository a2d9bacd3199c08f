const firstMs = Date.UTC(-1, 12);
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Returns whether a number of Unix milliseconds is in the years 0 to 9999, which every part of this server can read.
 */
export function isTime(ms: number): boolean {
  return ms >= firstMs && ms <= lastMs;
}

/** RFC 3339, and `YYYY-MM-DD HH:MM:SS`, which is UTC in SQLite. */
const form = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d))?$/i;

/** Parses a time in text. Returns Unix milliseconds, or null if it is not a time. Finer digits are cut off. */
export function parseTime(text: string): number | null {
  const match = form.exec(text);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match.slice(7);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, Number(fraction.padEnd(3, '0').slice(0, 3)));
  // A day that does not exist, such as the 30th of February, would become another moment.
  const there = [
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ];
  if ([month, day, hour, minute, second].some((part, index) => part !== there[index])) return null;
  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000;
  return date.getTime() - (sign === '-' ? -offsetMs : offsetMs);
}
