/**
 * The life of a signing key. A row stores only `signsFrom`; everything else follows from it, by the clock that all
 * servers share:
 *
 *     created ───────────────► signs ─────────────────► retired ─────────────────► deleted
 *     in the JWK Set for       for `signingMs`, then    in the JWK Set for
 *     `publicationMs`          until the next one does  `retirementMs`
 *
 * - **The first key** signs at once: no verifier can have an older JWK Set.
 * - **The next key** is created `publicationMs` before it signs. Until then, every server learns of it, and every
 *   verifier fetches the JWK Set again.
 * - **One key signs at a time**: the one with the latest `signsFrom` in the past. It signs on if the next one is late,
 *   because no server ran.
 * - **A retired key** stays in the JWK Set until the last token that it signed has expired, and one cache time longer.
 *
 * `rotateSigningKeys` creates and deletes, under a lease. All servers follow without it.
 */

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** The time for which caches may keep the JWK Set: its `Cache-Control: max-age`. */
export const jwksMaxAgeMs = 5 * minuteMs;

/** The longest lifetime of a token that these keys sign. */
export const maxTokenLifetimeMs = 5 * minuteMs;

/** The age up to which a server uses its copy of the keys while the database does not answer. */
export const maxCopyAgeMs = 60 * minuteMs;

/** The difference between the clocks of a server and of a verifier that has no effect. */
const clockSkewMs = minuteMs;

/**
 * The time from the creation of a key until it signs. `maxCopyAgeMs + jwksMaxAgeMs + clockSkewMs` would suffice for
 * verifiers that obey `Cache-Control`. Others keep a JWK Set for a day.
 */
export const publicationMs = 2 * dayMs;

/** The time for which a key signs. NIST SP 800-57 part 1 (table 1) allows years. A month keeps the rotation in use. */
export const signingMs = 30 * dayMs;

/** The time from the last signature of a key until it is deleted. */
export const retirementMs = maxTokenLifetimeMs + jwksMaxAgeMs + clockSkewMs;

type Timed = { kid: string; signsFrom: Date };

/** Returns the key that signs now. The keys are in the order of `signsFrom`. */
export function currentOf<Key extends Timed>(keys: readonly [Key, ...Key[]], now: Date): Key {
  return keys.findLast(({ signsFrom }) => signsFrom <= now) ?? keys[0];
}

/** The steps of the rotation that are due. */
export type RotationPlan = {
  /** The `signsFrom` of a key to create. Null if none is due. */
  nextSignsFrom: Date | null;
  /** The `kid`s of the keys to delete. */
  expiredKids: string[];
};

/** Returns the due steps of the rotation. The keys are in the order of `signsFrom`. */
export function planRotation([first, ...rest]: readonly Timed[], now: Date): RotationPlan {
  if (!first) return { nextSignsFrom: now, expiredKids: [] };
  const keys = [first, ...rest] as const;
  const expired = keys.filter((_key, index) => {
    const next = keys[index + 1];
    return next !== undefined && now.getTime() >= next.signsFrom.getTime() + retirementMs;
  });
  return { nextSignsFrom: nextSignsFrom(keys, now), expiredKids: expired.map(({ kid }) => kid) };
}

function nextSignsFrom(keys: readonly [Timed, ...Timed[]], now: Date): Date | null {
  if (keys.some(({ signsFrom }) => signsFrom > now)) return null;
  const dueAt = currentOf(keys, now).signsFrom.getTime() + signingMs;
  const earliest = now.getTime() + publicationMs;
  return earliest < dueAt ? null : new Date(earliest);
}
