import type { PasskeyPolicy } from '../../../config/accounts/passkeys.ts';

/** WebAuthn Level 3 section 5.11.1. Browsers ask for it at the domain of the passkeys. */
export const relatedOriginsPath = '/.well-known/webauthn';

/** Returns the document by which browsers let pages of other domains use the passkeys of this one. */
export function relatedOriginsOf({ relatedOrigins }: Pick<PasskeyPolicy, 'relatedOrigins'>): object {
  return { origins: relatedOrigins };
}
