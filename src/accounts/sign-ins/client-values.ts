import type { MailData } from '../../mail/outbox.ts';
import type { Scope } from '../../scope.ts';
import { knownClientName } from '../../sessions/client-name.ts';

/** Returns the values for a mail about a request: its time, its device and its address. Empty for unknown ones. */
export function clientValues({ client: { userAgent, ipAddress }, now }: Scope): MailData {
  return { time: formatTime(now), device: knownClientName(userAgent) ?? '', ipAddress: ipAddress ?? '' };
}

/** Formats a time for people of all countries, to the minute. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
