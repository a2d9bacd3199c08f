import { isIP } from 'node:net';
import { type AddressPolicy, isAllowedAddress } from './addresses.ts';

const maxLength = 2_000;

/** Returns why a URL cannot be that of a webhook, as a sentence, or null. Names are checked when they are resolved. */
export function urlProblem(text: string, policy: AddressPolicy): string | null {
  if (text.length > maxLength) return `The URL must have at most ${maxLength} characters.`;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return 'The URL must begin with https://.';
  if (url.username !== '' || url.password !== '') return 'The URL must not contain a user name or a password.';
  if (url.hash !== '') return 'The URL must not have a fragment: receivers never see it.';
  if (url.protocol === 'http:' && policy.privateNetworks.rules.length === 0) {
    return 'The URL must begin with https://. The operator can allow http:// in WEBHOOK_PRIVATE_NETWORKS.';
  }
  const host = hostOf(url);
  if (isIP(host) !== 0 && !isAllowedAddress(host, url.protocol, policy)) {
    return 'The URL must have a public address. The operator can allow others with WEBHOOK_PRIVATE_NETWORKS.';
  }
  return null;
}

/** Returns the name or the address in a URL. That of IPv6 has no brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}
