import type { HeaderReader } from '../http/request/headers.ts';
import type { Visitor } from '../sessions/start.ts';
import type { BlitzPolicy } from './config.ts';
import { visitorJwts } from './cookies.ts';

/**
 * Finds the data of a visitor without an account in a token that the old secret signed: the handle of their row, and
 * their public data. Null if there is no token, or its signature is not valid.
 */
export async function findBlitzVisitor(headers: HeaderReader, policy: BlitzPolicy): Promise<Visitor | null> {
  if (policy.secret === null) return null;
  const key = new TextEncoder().encode(policy.secret);
  for (const jwt of visitorJwts(headers, policy)) {
    const visitor = await visitorOf(jwt, key);
    if (visitor) return visitor;
  }
  return null;
}

async function visitorOf(jwt: string, key: Uint8Array): Promise<Visitor | null> {
  // Loaded on demand: few servers need it, and only while old sessions live.
  const { jwtVerify } = await import('jose');
  try {
    const { payload } = await jwtVerify(jwt, key, { algorithms: ['HS256'] });
    // The claim is an object in every token that Blitz.js signed. Its properties are checked below.
    const { isAnonymous, handle, publicData } = (payload.blitzjs ?? {}) as Record<string, unknown>;
    if (isAnonymous !== true || typeof handle !== 'string' || !handle.endsWith(':ajwt')) return null;
    return { handle, publicData: JSON.stringify(publicData ?? null) };
  } catch {
    return null;
  }
}
