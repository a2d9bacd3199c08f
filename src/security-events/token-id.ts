/** The ids of security event tokens (`jti`), by which a receiver acknowledges them. */
import type { AuditEvent } from '../generated/sqlite/client.ts';

type Told = Pick<AuditEvent, 'id' | 'at'>;

/**
 * Returns the id of the cause of a token (`txn`): equal for all receivers and attempts. The time is part of it, because
 * a database that was restored from a backup assigns ids again.
 */
export function transactionIdOf({ id, at }: Told): string {
  return `${id}.${at.getTime().toString(36)}`;
}

/** Returns the id of the token about an event for one receiver: equal for all attempts. */
export function tokenIdOf(event: Told, receiver: string): string {
  return `${transactionIdOf(event)}.${receiver}`;
}

/** Returns the id of the token that tells a receiver that events up to an id may be lost. */
export function lossIdOf(upTo: bigint, receiver: string): string {
  return `${upTo}.lost.${receiver}`;
}

/** The event that a token id names. `txn` is null if it names a loss of events. */
export type ParsedTokenId = { id: bigint; txn: string | null };

const form = /^([1-9]\d{0,18})\.([0-9a-z]{1,12})\.(.+)$/;

/** Parses a token id. Returns null for one of another receiver, and for every other text. */
export function parseTokenId(text: string, receiver: string): ParsedTokenId | null {
  const [, digits = '', time, to] = form.exec(text) ?? [];
  if (to !== receiver) return null;
  return { id: BigInt(digits), txn: time === 'lost' ? null : `${digits}.${time}` };
}
