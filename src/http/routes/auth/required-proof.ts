/** The proofs that a proxy requires of the user of a request (RFC 9470), by the parameters of its configuration. */
import type { AssuranceLevel } from '../../../sessions/assurance/level.ts';
import type { ProofRequirement } from '../../../sessions/proof.ts';
import { Refusal } from '../../messages.ts';

export type RequiredProof = ProofRequirement & {
  /** The parameters, by their names, for the client that has to give the proofs. */
  parameters: Readonly<Record<string, string>>;
};

const levels: Readonly<Record<string, AssuranceLevel>> = { aal1: 1, aal2: 2 };

/**
 * Reads `acr_values` and `max_age`. Null if there are none.
 *
 * @throws Refusal
 */
export function readRequiredProof(query: URLSearchParams): RequiredProof | null {
  const parameters: Record<string, string> = {};
  for (const name of ['acr_values', 'max_age']) {
    const [value, ...others] = query.getAll(name);
    if (others.length > 0) throw new Refusal(400, `The parameter ${name} occurs twice.`);
    if (value !== undefined) parameters[name] = value;
  }
  const { acr_values: acrValues, max_age: maxAge } = parameters;
  if (acrValues === undefined && maxAge === undefined) return null;
  return { level: readLevel(acrValues), withinMs: readMaxAgeMs(maxAge), parameters };
}

/** Returns the lowest of the levels, as each of them suffices. */
function readLevel(acrValues = 'aal1'): AssuranceLevel {
  const read = acrValues.split(' ').map((value) => (Object.hasOwn(levels, value) ? levels[value] : undefined));
  if (read.includes(undefined)) throw new Refusal(400, 'The parameter acr_values must be aal1 or aal2.');
  return read.includes(1) ? 1 : 2;
}

/** Without a maximum, proofs count whatever their age. */
function readMaxAgeMs(maxAge: string | undefined): number {
  if (maxAge === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(maxAge)) return Number(maxAge) * 1_000;
  throw new Refusal(400, 'The parameter max_age must be a number of seconds: at least 1.');
}

/** Returns the refusal of a live session without these proofs (RFC 9470 section 3). */
export function insufficientProof({ level, parameters }: RequiredProof): Refusal {
  const message = level === 2 ? 'Prove two factors again, then retry.' : 'Prove your identity again, then retry.';
  const named = Object.entries({
    error: 'insufficient_user_authentication',
    error_description: message,
    ...parameters,
  });
  const challenge = named.map(([name, value]) => `${name}="${value}"`).join(', ');
  return new Refusal(401, message, { 'www-authenticate': `Bearer realm="graphql-sessions", ${challenge}` });
}
