const firstMs = Date.UTC(-1, 12);
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Whether there is such a moment in Unix milliseconds: of the years 0 to 9999, which every part of this server can read. */
export function isTime(ms: number): boolean {
  return ms >= firstMs && ms <= lastMs;
}

/** `YYYY-MM-DD HH:MM:SS`, which SQLite means in UTC, and RFC 3339. */
const form = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d))?$/i;

/** The moment that a text means, in Unix milliseconds, or null if it is no time. What is finer is cut off. */
export function parseTime(text: string): number | null {
  const match = form.exec(text);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match.slice(7);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, Number(fraction.padEnd(3, '0').slice(0, 3)));
  // What there is not, such as the 30th of February, would become another moment.
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
