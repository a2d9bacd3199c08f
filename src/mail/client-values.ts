import type { Scope } from '../scope.ts';
import { knownClientName } from '../sessions/client-name.ts';
import type { MailData } from './outbox.ts';
import { formatTime } from './time.ts';

/** Returns the values for a mail about a request: its time, its device and its address. Empty for unknown ones. */
export function clientValues({ client: { userAgent, ipAddress }, now }: Scope): MailData {
  return { time: formatTime(now), device: knownClientName(userAgent) ?? '', ipAddress: ipAddress ?? '' };
}
