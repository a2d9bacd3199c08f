import DataLoader from 'dataloader';
import type { Database } from '../database/database.ts';
import { maxPasskeys, type Passkey } from '../factors/passkeys/passkey.ts';
import type { Scope } from '../scope.ts';
import { recordPrivateDataAccess } from '../sessions/data.ts';
import type { Session } from '../sessions/session.ts';
import { maxDevicesPerUser, type TrustedDevice, whereTrusted } from '../tokens/trusted-device.ts';
import type { User } from '../users/user.ts';

/** A row of any model. */
export type Row = { id: bigint };

/** Loads rows for all resolvers of one request: a whole list with one query, and nothing twice. */
export class Loaders {
  readonly #database: Database;
  readonly #now: Date;
  readonly #known = new Map<bigint, User>();
  readonly #rows = new Map<string, DataLoader<bigint, Row | null>>();
  #users: DataLoader<bigint, User | null> | undefined;
  #trustedDevices: DataLoader<bigint, TrustedDevice[]> | undefined;
  #recoveryCodesLeft: DataLoader<bigint, number> | undefined;
  #passkeys: DataLoader<bigint, Passkey[]> | undefined;
  #privateDataReads: DataLoader<Session, true> | undefined;
  readonly #counts = new Map<unknown, Promise<number>>();
  readonly #liveSessions = new Map<Database, DataLoader<bigint, Session[]>>();

  constructor(database: Database, now: Date) {
    this.#database = database;
    this.#now = now;
  }

  /** Forgets everything: a mutation may have changed it. */
  clear(): void {
    this.#known.clear();
    this.#rows.clear();
    this.#users = undefined;
    this.#trustedDevices = undefined;
    this.#recoveryCodesLeft = undefined;
    this.#passkeys = undefined;
    this.#privateDataReads = undefined;
    this.#counts.clear();
    this.#liveSessions.clear();
  }

  /** Keeps users that a resolver has read already, so that they are not read again. */
  remember(users: User[]): void {
    for (const user of users) this.#known.set(user.id, user);
  }

  /** Returns the user with this ID, or null. A known user is returned at once, without a promise. */
  user(id: bigint): User | Promise<User | null> {
    const known = this.#known.get(id);
    if (known) return known;
    this.#users ??= new DataLoader(async (ids) => {
      const users = await this.#database.user.findMany({ where: { id: { in: [...ids] } } });
      const byId = new Map(users.map((user) => [user.id, user]));
      return ids.map((id) => byId.get(id) ?? null);
    });
    return this.#users.load(id);
  }

  /**
   * Returns the loader of a kind of rows, by ID. Null stands for a row that is not found.
   *
   * @param find - finds rows, in any order. That of the first call for a kind is used
   */
  rows(kind: string, find: (ids: bigint[]) => Promise<Row[]>): DataLoader<bigint, Row | null> {
    const known = this.#rows.get(kind);
    if (known) return known;
    const loader = new DataLoader<bigint, Row | null>(async (ids) => {
      const rows = await find([...ids]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id) ?? null);
    });
    this.#rows.set(kind, loader);
    return loader;
  }

  /**
   * Returns the row of a kind of which users have at most one, such as an authenticator app. Null without one.
   *
   * @param find - finds rows by the IDs of their users, in any order. That of the first call for a kind is used
   */
  async rowOfUser<Owned extends { userId: bigint }>(
    kind: string,
    userId: bigint,
    find: (userIds: bigint[]) => Promise<Owned[]>,
  ): Promise<Owned | null> {
    const byUser = async (userIds: bigint[]) => (await find(userIds)).map((row) => ({ id: row.userId, row }));
    // The rows of this kind are those that `find` returns.
    const found = (await this.rows(`${kind}.userId`, byUser).load(userId)) as { id: bigint; row: Owned } | null;
    return found?.row ?? null;
  }

  /** Returns a loader of all live sessions by user ID, newest first, from this database or replica. */
  liveSessions(from: Database): DataLoader<bigint, Session[]> {
    const known = this.#liveSessions.get(from);
    if (known) return known;
    const loader = new DataLoader<bigint, Session[]>(async (userIds) => {
      const sessions = await from.$findLiveSessions(userIds, this.#now);
      const byUser = Map.groupBy(sessions, ({ userId }) => userId);
      const newestFirst = (one: Session, other: Session) => (one.id < other.id ? 1 : -1);
      return userIds.map((userId) => (byUser.get(userId) ?? []).sort(newestFirst));
    });
    this.#liveSessions.set(from, loader);
    return loader;
  }

  /** Returns the trusted devices of the user with this ID, newest first. */
  trustedDevices(userId: bigint): Promise<TrustedDevice[]> {
    this.#trustedDevices ??= new DataLoader(async (userIds) => {
      const ofAny = whereTrusted(userId, this.#now);
      const devices = await this.#database.userToken.findMany({ where: { ...ofAny, userId: { in: [...userIds] } } });
      const byUser = Map.groupBy(devices, (device) => device.userId);
      const newestFirst = (one: TrustedDevice, other: TrustedDevice) => (one.id < other.id ? 1 : -1);
      return userIds.map((id) => (byUser.get(id) ?? []).sort(newestFirst).slice(0, maxDevicesPerUser));
    });
    return this.#trustedDevices.load(userId);
  }

  /** Returns the number of recovery codes that the user with this ID has left. */
  recoveryCodesLeft(userId: bigint): Promise<number> {
    this.#recoveryCodesLeft ??= new DataLoader(async (userIds) => {
      const counts = await this.#database.recoveryCode.groupBy({
        by: ['userId'],
        where: { userId: { in: [...userIds] } },
        _count: true,
      });
      const byUser = new Map(counts.map(({ userId: id, _count }) => [id, _count]));
      return userIds.map((id) => byUser.get(id) ?? 0);
    });
    return this.#recoveryCodesLeft.load(userId);
  }

  /** Returns the passkeys of the user with this ID, oldest first. */
  passkeys(userId: bigint): Promise<Passkey[]> {
    this.#passkeys ??= new DataLoader(async (userIds) => {
      const where = { userId: { in: [...userIds] } };
      const passkeys = await this.#database.passkey.findMany({ where, orderBy: { id: 'asc' } });
      const byUser = Map.groupBy(passkeys, (passkey) => passkey.userId);
      return userIds.map((id) => (byUser.get(id) ?? []).slice(0, maxPasskeys));
    });
    return this.#passkeys.load(userId);
  }

  /**
   * Counts rows, once for all fields of the request with this key: a text, or the connection that is counted. A count
   * reads every row, and aliases would multiply it.
   */
  count(key: unknown, countRows: () => Promise<number>): Promise<number> {
    const known = this.#counts.get(key);
    if (known) return known;
    const count = countRows();
    this.#counts.set(key, count);
    return count;
  }

  /** Returns a loader that records reads of private data: one event per session, with one statement for many. */
  privateDataReads(scope: Scope): DataLoader<Session, true> {
    this.#privateDataReads ??= new DataLoader(async (sessions) => {
      await recordPrivateDataAccess(this.#database, scope, sessions, 'PRIVATE_DATA_READ');
      return sessions.map(() => true as const);
    });
    return this.#privateDataReads;
  }
}
