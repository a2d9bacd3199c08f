/** The passkeys in the line of a user, in the terms of WebAuthn. They work here only if the domain is the same. */
import { ValidationError } from '../errors.ts';
import { bytesOf, maxPasskeys, type NewPasskey } from '../factors/passkeys/passkey.ts';
import { requireUsableKey } from '../factors/passkeys/public-key.ts';
import type { Passkey } from '../generated/sqlite/client.ts';
import { isObject } from '../json.ts';
import { nameIssue } from '../users/field-issues.ts';
import { orNull, type Reader, text, time } from './readers.ts';

/** A passkey of a line, checked. */
export type PasskeyRecord = Omit<NewPasskey, 'userId'> & { createdAt: Date | null };

type Member = { read: Reader<unknown>; rule: string; absent?: unknown };

const id = 'must be base64url, of 1 to 1023 bytes';
const flag: Reader<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

/** The members of a passkey. One without a value for its absence is required. */
const members: Record<string, Member> = {
  credentialId: { read: base64url(1_023), rule: id },
  publicKey: { read: base64url(2_048), rule: 'must be a key of COSE in base64url' },
  counter: { read: counter, rule: 'must be a whole number of 32 bits', absent: 0n },
  transports: { read: transports, rule: 'must be a list of names such as internal and hybrid', absent: null },
  name: { read: orNull(name), rule: 'must be printable text of at most 200 characters, or null', absent: null },
  createdAt: { read: time, rule: 'must be a time such as 2026-11-22T18:30:00Z', absent: null },
  backedUp: { read: flag, rule: 'must be true or false', absent: false },
  backupEligible: { read: flag, rule: 'must be true or false', absent: false },
  aaguid: { read: uuid, rule: 'must be a UUID', absent: '00000000-0000-0000-0000-000000000000' },
  userHandle: { read: base64url(64), rule: 'must be base64url, of 1 to 64 bytes' },
};

/** Reads the passkeys of a user, or returns the rule that they break. */
export function readPasskeys(value: unknown): { passkeys: PasskeyRecord[] } | { rule: string } {
  if (!Array.isArray(value) || value.length > maxPasskeys) return { rule: `must be a list of at most ${maxPasskeys}` };
  const passkeys: PasskeyRecord[] = [];
  for (const [index, item] of value.entries()) {
    const read = readPasskey(item);
    if (typeof read === 'string') return { rule: `must be valid, but number ${index + 1} is not: ${read}` };
    passkeys.push(read);
  }
  const isOfOne = new Set(passkeys.map(({ userHandle }) => userHandle)).size <= 1;
  return isOfOne ? { passkeys } : { rule: 'must all have the same userHandle' };
}

function readPasskey(value: unknown): PasskeyRecord | string {
  if (!isObject(value)) return 'it must be an object';
  const other = Object.keys(value).find((key) => !Object.hasOwn(members, key));
  if (other !== undefined) return `its members are ${Object.keys(members).join(', ')}`;
  const read: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(members)) {
    read[key] = key in value ? member.read(value[key]) : member.absent;
    if (read[key] === undefined) return `${key} ${member.rule}`;
  }
  const { backedUp: isBackedUp, backupEligible: isBackupEligible, ...rest } = read;
  // WebAuthn Level 3 section 6.1.3.
  if (isBackedUp && !isBackupEligible) return 'backedUp must be false, because backupEligible is';
  // Each member was read by the reader of its name.
  return { ...rest, isBackedUp, isBackupEligible } as PasskeyRecord;
}

/** Requires public keys that this server can verify. @throws ValidationError */
export async function requireUsableKeys(passkeys: readonly PasskeyRecord[]): Promise<void> {
  for (const [index, { publicKey }] of passkeys.entries()) {
    try {
      await requireUsableKey(bytesOf(publicKey));
    } catch {
      // The decoder throws its own errors for bytes that are no key.
      const message = `passkeys must be valid, but number ${index + 1} is not: publicKey ${members.publicKey?.rule}.`;
      throw new ValidationError([{ path: ['passkeys'], message }]);
    }
  }
}

/** Returns a passkey as a line has it. */
export function formatPasskey({
  isBackedUp,
  isBackupEligible,
  transports: names,
  counter: count,
  ...passkey
}: Passkey) {
  const { credentialId, publicKey, name, createdAt, aaguid, userHandle } = passkey;
  const flags = { backedUp: isBackedUp, backupEligible: isBackupEligible };
  const transports = names?.split(' ') ?? [];
  return { credentialId, publicKey, counter: Number(count), transports, name, createdAt, ...flags, aaguid, userHandle };
}

function base64url(maxBytes: number): Reader<string> {
  return (value) => {
    const given = text(value)?.replace(/=+$/, '') ?? '';
    const bytes = Buffer.from(given, 'base64url');
    const isExact = bytes.length > 0 && bytes.length <= maxBytes && bytes.toString('base64url') === given;
    return isExact ? given : undefined;
  };
}

function counter(value: unknown): bigint | undefined {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32 ? BigInt(Number(value)) : undefined;
}

function transports(value: unknown): string | null | undefined {
  const isList = Array.isArray(value) && value.length <= 10;
  if (!isList || !value.every((item) => typeof item === 'string' && /^[a-z-]{1,20}$/.test(item))) return undefined;
  return value.join(' ') || null;
}

function name(value: unknown): string | undefined {
  const given = text(value)?.trim() ?? '';
  return given !== '' && nameIssue(given) === null ? given : undefined;
}

function uuid(value: unknown): string | undefined {
  const given = text(value)?.toLowerCase() ?? '';
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(given) ? given : undefined;
}
