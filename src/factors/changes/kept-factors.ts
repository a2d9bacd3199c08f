/** The factors of an account at a time, as the undo of a change restores them. */
import type { Db } from '../../database/database.ts';
import type { AuthenticatorApp, Passkey, RecoveryCode, User } from '../../generated/sqlite/client.ts';
import { formatRows, parseRows } from './row-format.ts';

/** A row of a factor. A replaced authenticator app keeps its id, and gets another time. Codes of a set have one time. */
export type FactorRow = { id: bigint; createdAt: Date };

/** The rows of one kind of factor. */
type FactorTable<Row extends FactorRow> = {
  /** True if a row is deleted when it is used, as a recovery code is. */
  isOneTime: boolean;
  list(db: Db, userId: bigint): Promise<Row[]>;
  add(db: Db, rows: Row[]): Promise<unknown>;
  remove(db: Db, ids: bigint[]): Promise<unknown>;
};

const authenticatorApps: FactorTable<AuthenticatorApp> = {
  isOneTime: false,
  list: (db, userId) => db.authenticatorApp.findMany({ where: { userId } }),
  add: (db, data) => db.authenticatorApp.createMany({ data }),
  remove: (db, ids) => db.authenticatorApp.deleteMany({ where: { id: { in: ids } } }),
};

const passkeys: FactorTable<Passkey> = {
  isOneTime: false,
  list: (db, userId) => db.passkey.findMany({ where: { userId } }),
  add: addFreePasskeys,
  remove: (db, ids) => db.passkey.deleteMany({ where: { id: { in: ids } } }),
};

/** Another account may have taken the public id of a passkey meanwhile. That must not stop the undo. */
async function addFreePasskeys(db: Db, rows: Passkey[]): Promise<void> {
  const where = { credentialId: { in: rows.map(({ credentialId }) => credentialId) } };
  const taken = await db.passkey.findMany({ where, select: { credentialId: true } });
  const ids = new Set(taken.map(({ credentialId }) => credentialId));
  await db.passkey.createMany({ data: rows.filter(({ credentialId }) => !ids.has(credentialId)) });
}

const recoveryCodes: FactorTable<RecoveryCode> = {
  isOneTime: true,
  list: (db, userId) => db.recoveryCode.findMany({ where: { userId } }),
  add: (db, data) => db.recoveryCode.createMany({ data }),
  remove: (db, ids) => db.recoveryCode.deleteMany({ where: { id: { in: ids } } }),
};

/** All kinds of factors, by the name under which their rows are kept. */
const tables: Record<string, FactorTable<FactorRow>> = { authenticatorApps, passkeys, recoveryCodes };

/** The factors of an account: the time since when a sign-in needs a second one, and the rows of each kind. */
export type KeptFactors = { secondFactorSince: Date | null; rows: Record<string, FactorRow[]> };

/** Returns the factors that a locked user has now. Secrets in them stay encrypted, and codes hashed. */
export async function factorsOf(db: Db, { id, secondFactorSince }: User): Promise<KeptFactors> {
  const rows: KeptFactors['rows'] = {};
  for (const [name, table] of Object.entries(tables)) rows[name] = await table.list(db, id);
  return { secondFactorSince, rows };
}

/** Returns the stored form of factors: JSON. */
export function formatFactors(factors: KeptFactors): string {
  return formatRows(factors);
}

/** Returns factors from their stored form. Null for those of an earlier version, which kept none. */
export function parseFactors(stored: string | null): KeptFactors | null {
  return stored === null ? null : parseRows<KeptFactors>(stored);
}

/** Returns the kept apps, whose secrets are encrypted. The caller may change them. */
export function keptSecretsOf({ rows }: KeptFactors): Pick<AuthenticatorApp, 'encryptedSecret'>[] {
  // The rows of this table are those that its `list` has returned.
  return (rows.authenticatorApps ?? []) as AuthenticatorApp[];
}

const identityOf = ({ id, createdAt }: FactorRow) => `${id} ${createdAt.getTime()}`;
const setOf = ({ createdAt }: FactorRow) => createdAt.getTime();

/** Returns whether two states have the same factors. Their counters may differ, and which codes of a set were used. */
export function areSameFactors(one: KeptFactors, other: KeptFactors): boolean {
  return describe(one) === describe(other);
}

function describe({ secondFactorSince, rows }: KeptFactors): string {
  const ofTables = Object.entries(tables).map(([name, { isOneTime }]) => {
    const identities = (rows[name] ?? []).map((row) => (isOneTime ? String(setOf(row)) : identityOf(row)));
    return [...new Set(identities)].sort();
  });
  return JSON.stringify([secondFactorSince?.getTime() ?? null, ...ofTables]);
}

/**
 * Restores the factors of a locked user. A factor that the user still has stays as it is now, and one that is gone comes
 * back as it was last seen, so that no code works a second time and no counter goes back.
 *
 * @param later - the factors of later times, in their order. The last ones are those of now
 */
export async function restoreFactors(
  db: Db,
  userId: bigint,
  { secondFactorSince, rows }: KeptFactors,
  later: KeptFactors[],
): Promise<User> {
  for (const [name, table] of Object.entries(tables)) {
    const wanted = rows[name];
    // A version that did not know this kind of factor kept the state.
    if (wanted === undefined) continue;
    const states = [wanted, ...later.map((factors) => factors.rows[name] ?? [])];
    const isWanted = new Set(wanted.map(identityOf));
    const surplus = (states.at(-1) ?? []).filter((row) => !isWanted.has(identityOf(row)));
    if (surplus.length > 0) await table.remove(db, idsOf(surplus));
    const missing = wanted.flatMap((row) => lastSeen(row, states, table) ?? []);
    if (missing.length > 0) await table.add(db, missing);
  }
  return db.user.update({ where: { id: userId }, data: { secondFactorSince } });
}

const idsOf = (rows: FactorRow[]) => rows.map(({ id }) => id);

/** Returns a row as it was before it was removed. Null if it is still there, or if it was used up. */
function lastSeen(row: FactorRow, states: FactorRow[][], { isOneTime }: FactorTable<FactorRow>): FactorRow | null {
  const isSame = (one: FactorRow) => identityOf(one) === identityOf(row);
  const index = states.findLastIndex((state) => state.some(isSame));
  const next = states[index + 1];
  if (next === undefined) return null;
  // A set is replaced as a whole. If others of it were left, or none of any set, this one may have been used.
  if (isOneTime && (next.length === 0 || next.some((one) => setOf(one) === setOf(row)))) return null;
  return states[index]?.find(isSame) ?? null;
}

/** Removes all factors of a locked user beside the password. Returns whether there were any. */
export async function removeFactors(db: Db, userId: bigint): Promise<boolean> {
  let isRemoved = false;
  for (const table of Object.values(tables)) {
    const ids = idsOf(await table.list(db, userId));
    if (ids.length === 0) continue;
    await table.remove(db, ids);
    isRemoved = true;
  }
  return isRemoved;
}
