import Bowser from 'bowser';
import type { Device } from '../audit/record.ts';

export type { Device };

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
