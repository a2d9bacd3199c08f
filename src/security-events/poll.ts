/** One poll of a receiver (RFC 8936): it acknowledges tokens, and gets the next ones. */
import type { Database } from '../database/database.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { findLoss, readOutstanding } from './outstanding.ts';
import { openReceiver, type Place, type Receiver, saveProgress } from './receiver.ts';
import { claimsAbout, claimsAboutLoss, type Issuer, signSecurityEvent } from './security-event-token.ts';
import { lossIdOf, type ParsedTokenId, parseTokenId, tokenIdOf, transactionIdOf } from './token-id.ts';

/** The maximum number of tokens in one answer. */
export const maxEventsAtOnce = 100;

/** The sender of security events. */
export type Transmitter = Pick<Issuer, 'subjectOf'> & { signingKeys: SigningKeys };

export type Poll = {
  /** The service client that polls. Its id is the `aud` of its tokens. */
  clientId: string;
  /** The ids of the tokens that it acknowledges, or has found to be invalid. Others than its own have no effect. */
  acknowledged: readonly string[];
  /** The maximum number of tokens to return. More than `maxEventsAtOnce` counts as that. */
  maxEvents: number;
};

export type PollTime = {
  now: Date;
  /** The retention of the log of events. */
  retentionMs: number;
};

export type Polled = {
  /** The oldest tokens that the client has not acknowledged, with their `jti`, in the order of their events. */
  tokens: [jti: string, token: string][];
  /** True if the next poll may return more at once. */
  moreAvailable: boolean;
};

/** Progress without an acknowledgement is stored at this distance only, because it can be found again. */
const saveAfter = { ids: 500n, ms: 3_600_000 };

/**
 * Returns the next tokens for a receiver, after what it acknowledges. Each comes again until it is acknowledged.
 *
 * @throws an error that means 503 if the database does not answer, or the keys cannot be read
 */
export async function poll(
  transmitter: Transmitter,
  database: Database,
  { clientId, acknowledged, maxEvents }: Poll,
  { now, retentionMs }: PollTime,
): Promise<Polled> {
  const retainedSince = new Date(now.getTime() - retentionMs);
  const before = await openReceiver(database, clientId, now);
  const ids = acknowledged.flatMap((jti) => parseTokenId(jti, clientId) ?? []);
  const receiver = await acknowledge(database, before, ids, retainedSince);
  const loss = await findLoss(database, receiver, retainedSince);
  const limit = Math.min(maxEvents, maxEventsAtOnce);
  const mayTellLoss = loss !== null && limit > 0;
  // What follows a loss is sent with it. The place stays before the loss until that is acknowledged.
  const from = loss === null ? receiver.done : { ...receiver.done, id: loss };
  const found = await readOutstanding(database, { ...receiver, done: from }, mayTellLoss ? limit - 1 : limit);
  const isUpToDate = loss === null && found.events.length === 0 && !found.isMore;
  const done = loss === null ? { ...found.done, at: isUpToDate ? now : found.done.at } : receiver.done;
  if (receiver !== before || isFarFrom(before.done, done))
    await saveProgress(database, clientId, { ...receiver, done });
  const tokens = await Promise.all([
    ...(mayTellLoss ? [signLoss(transmitter, clientId, loss)] : []),
    ...found.events.map((event) => signEvent(transmitter, clientId, event)),
  ]);
  return { tokens, moreAvailable: found.isMore || (loss !== null && !mayTellLoss) };
}

async function signEvent(
  { signingKeys, subjectOf }: Transmitter,
  aud: string,
  event: AuditEvent,
): Promise<[jti: string, token: string]> {
  const claims = claimsAbout(event, { issuer: signingKeys.issuer, subjectOf });
  if (claims === null) throw new Error(`The event ${event.id} has no security event.`);
  const jti = tokenIdOf(event, aud);
  return [jti, await signSecurityEvent(signingKeys, claims, { aud, jti })];
}

async function signLoss(
  { signingKeys }: Transmitter,
  aud: string,
  upTo: bigint,
): Promise<[jti: string, token: string]> {
  const jti = lossIdOf(upTo, aud);
  return [jti, await signSecurityEvent(signingKeys, claimsAboutLoss(upTo, aud), { aud, jti })];
}

/** Returns the progress of a receiver with the tokens that it acknowledges. */
async function acknowledge(
  database: Database,
  receiver: Receiver,
  ids: readonly ParsedTokenId[],
  retainedSince: Date,
): Promise<Receiver> {
  const isOpen = ({ id }: ParsedTokenId) => id > receiver.done.id && id <= database.$largestId();
  const named = new Map(ids.filter(isOpen).map(({ id, txn }) => [id, txn]));
  if (named.size === 0) return receiver;
  // An id alone could be guessed, or be that of another event in a database that was restored.
  const events = await database.auditEvent.findMany({
    where: { id: { in: [...named.keys()] } },
    select: { id: true, at: true },
  });
  const known = events.filter((event) => named.get(event.id) === transactionIdOf(event)).map(({ id }) => id);
  const done = await acknowledgeLoss(database, receiver, { ids, retainedSince });
  return { ...receiver, done, acknowledged: new Set([...receiver.acknowledged, ...known]) };
}

/** Returns the place after a loss of events that a receiver acknowledges, or else its place as it was. */
async function acknowledgeLoss(
  database: Database,
  receiver: Receiver,
  { ids, retainedSince }: { ids: readonly ParsedTokenId[]; retainedSince: Date },
): Promise<Place> {
  const losses = ids.filter(({ txn }) => txn === null).map(({ id }) => id);
  if (losses.length === 0) return receiver.done;
  const loss = await findLoss(database, receiver, retainedSince);
  // More may have been lost since: the rest is told by another token.
  const told = losses.filter((id) => loss !== null && id <= loss && id > receiver.done.id);
  const [id] = told.sort((one, other) => (one > other ? -1 : 1));
  return id === undefined ? receiver.done : { id, at: id === loss ? retainedSince : receiver.done.at };
}

function isFarFrom(stored: Place, done: Place): boolean {
  return done.id >= stored.id + saveAfter.ids || done.at.getTime() >= stored.at.getTime() + saveAfter.ms;
}
