import Bowser from 'bowser';

/** Where a session is used from, as far as the request tells. */
export type Device = {
  /** The `User-Agent` header. Null if there was none. */
  userAgent: string | null;
  /** The client's address, never that of a trusted proxy. Null if it is not known. */
  ipAddress: string | null;
};

/** Longer ones are cut: what follows is no use to anybody. */
export const longestUserAgent = 512;

/** What a person would call the device, such as `Firefox on Windows`, or null if the user agent does not say. */
export function deviceName(userAgent: string | null): string | null {
  if (!userAgent) return null;
  const { browser, os } = Bowser.parse(userAgent);
  const names = [browser.name, os.name].filter((name) => name);
  if (names.length > 0) return names.join(' on ');
  // Programs rather than browsers name themselves first: curl/8.5.0
  return /^([\w .-]{1,40})\//.exec(userAgent)?.[1] ?? null;
}
