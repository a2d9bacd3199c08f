import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/database.ts';
import { Prisma } from '../../src/generated/sqlite/client.ts';
import { isPostgresql, openEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { textOf } from '../support/text.ts';

const full = {
  handle: 'full',
  createdAt: new Date('2026-01-02T03:04:05.678Z'),
  updatedAt: new Date('2026-02-02T03:04:05.001Z'),
  expiresAt: new Date('2026-03-29T01:30:00.000Z'),
  lastSeenAt: new Date('2026-10-25T01:30:00.999Z'),
  authenticatedAt: new Date('1969-12-31T23:59:59.999Z'),
  hashedSessionToken: 'a hash',
  replacedHashedToken: 'the hash before',
  endedHashedToken: 'the hash at the end',
  transport: 'COOKIE',
  antiCSRFToken: 'a token',
  publicData: '{"é":"\u2028"}',
  privateData: 'private',
  userAgent: 'curl/8',
  ipAddress: '2001:db8::1',
  authenticationMethods: 'password',
  proofs: 'password@1',
  endReason: 'REVOKED',
};

/** Each column has another value, so that no two columns can be confused. */
const fullUser = {
  email: 'ada@example.com',
  name: 'Ada',
  hashedPassword: 'hashed',
  role: 'admin',
  createdAt: new Date('2026-01-02T03:04:05.777Z'),
  updatedAt: new Date('2026-02-02T03:04:05.002Z'),
  emailVerifiedAt: new Date('2026-03-02T03:04:05.003Z'),
  suspendedAt: new Date('2026-04-02T03:04:05.004Z'),
  secondFactorSince: new Date('2026-05-02T03:04:05.005Z'),
  username: 'lovelace',
  usernameKey: 'the key of lovelace',
};

async function fill({ database }: TestDatabase) {
  await database.user.create({ data: { email: 'other@example.com', hashedPassword: 'x', role: 'user' } });
  const user = await database.user.create({ data: fullUser });
  for (const handle of ['first', 'second']) await database.session.create({ data: { ...full, handle } });
  await database.session.create({ data: { ...full, userId: user.id } });
  await database.session.create({ data: { handle: 'bare', expiresAt: full.expiresAt } });
}

describe('prepared reads', () => {
  it('return the session that Prisma would: every column, with or without the user', async () => {
    const opened = await openEmptyDatabase();
    await fill(opened);
    const { database } = opened;
    for (const handle of ['full', 'bare', 'unknown', '', "'", 'full\u0000']) {
      const expected = await database.session.findUnique({
        // A NUL is nothing that PostgreSQL can be asked for.
        where: { handle: handle.replace('\u0000', ' ') },
        include: { user: true },
      });
      if (handle.includes('\u0000') && isPostgresql(opened.url)) continue;
      expect(await database.$findSession(handle), handle).toEqual(expected);
    }
    const found = await database.$findSession('full');
    const { user, ...session } = found ?? { user: null };
    expect(Object.keys(session).sort()).toEqual(Object.keys(Prisma.SessionScalarFieldEnum).sort());
    expect(Object.keys(user ?? {}).sort()).toEqual(Object.keys(Prisma.UserScalarFieldEnum).sort());
    const values = [...Object.values(session), ...Object.values(user ?? {})].map(textOf);
    // Only the id of the user is there twice.
    expect(new Set(values).size).toBe(values.length - 1);
    expect(user?.email).toBe('ada@example.com');
    expect((await database.$findSession('bare'))?.user).toBeNull();
  });

  it('return to each of many concurrent callers the requested session', async () => {
    const { database, statements, url } = await openEmptyDatabase();
    const handles = Array.from({ length: 41 }, (_, n) => `h${n}`);
    await database.session.createMany({ data: handles.map((handle) => ({ handle, expiresAt: full.expiresAt })) });
    for (const count of [1, 2, 4, 5, 16, 17, 41]) {
      statements.length = 0;
      const asked = [...handles.slice(0, count), 'unknown', 'h0'];
      const found = await Promise.all(asked.map((handle) => database.$findSession(handle)));
      expect(found.map((session) => session?.handle)).toEqual([...handles.slice(0, count), undefined, 'h0']);
      expect(statements.length).toBe(isPostgresql(url) ? Math.ceil(asked.length / 16) : asked.length);
    }
  });

  it('return the live sessions of users, and of no other users', async () => {
    const { database } = await openEmptyDatabase();
    const now = new Date('2026-03-29T01:30:00.000Z');
    const later = new Date(now.getTime() + 1);
    for (const email of ['a@example.com', 'b@example.com', 'c@example.com']) {
      const { id } = await database.user.create({ data: { email, hashedPassword: 'x', role: 'user' } });
      const live = { userId: id, hashedSessionToken: 'x', expiresAt: later };
      await database.session.createMany({
        data: [
          { ...live, handle: `${id} 1` },
          { ...live, handle: `${id} ended`, hashedSessionToken: null },
          { ...live, handle: `${id} expired`, expiresAt: now },
          { ...live, handle: `${id} 2` },
        ],
      });
    }
    await database.session.create({ data: { handle: 'anonymous', hashedSessionToken: 'x', expiresAt: later } });
    const found = await database.$findLiveSessions([1n, 3n, 99n], now);
    expect(found.map(({ handle }) => handle).sort()).toEqual(['1 1', '1 2', '3 1', '3 2']);
    const expected = await database.session.findMany({
      where: { id: { in: found.map(({ id }) => id) } },
      orderBy: { id: 'asc' },
    });
    expect(found.sort((one, other) => (one.id < other.id ? -1 : 1))).toEqual(expected);
    expect(await database.$findLiveSessions([], now)).toEqual([]);
  });

  it('return the users with an address in any case, with every column', async () => {
    const opened = await openEmptyDatabase();
    const { database } = opened;
    await fill(opened);
    const at = new Date('2026-10-25T01:30:00.999Z');
    const rest = { emailVerifiedAt: at, suspendedAt: full.authenticatedAt, updatedAt: full.updatedAt };
    await database.user.create({ data: { email: 'Ada@Example.com', role: 'user', name: 'é', ...rest } });
    const expected = await database.user.findMany({ where: { id: { in: [2, 3] } }, orderBy: { id: 'asc' } });
    for (const address of ['ada@example.com', 'ADA@EXAMPLE.COM']) {
      const found = await database.$findUsersByAddress(address);
      expect(found.sort((one, another) => (one.id < another.id ? -1 : 1))).toEqual(expected);
    }
    for (const address of ['', '%', "'", 'ada_example.com']) {
      expect(await database.$findUsersByAddress(address)).toEqual([]);
    }
  });

  it('return the user with exactly this key of a username, with every column', async () => {
    const opened = await openEmptyDatabase();
    const { database } = opened;
    await fill(opened);
    const expected = await database.user.findUnique({ where: { email: 'ada@example.com' } });
    expect(await database.$findUserByUsername('the key of lovelace')).toEqual(expected);
    for (const key of ['', '%', "'", 'lovelace', 'The key of lovelace']) {
      expect(await database.$findUserByUsername(key)).toBeNull();
    }
  });

  it('return the ids of the tokens of a user for a purpose, and no others', async () => {
    const opened = await openEmptyDatabase();
    const { database } = opened;
    await fill(opened);
    const token = { purpose: 'A', hashedToken: 'x', expiresAt: full.expiresAt };
    const owners = [1, 2, 2, 2, null].map((userId, n) => ({ ...token, userId, handle: `${n}` }));
    await database.userToken.createMany({ data: [...owners, { ...token, userId: 2, handle: 'b', purpose: 'B' }] });
    const expected = await database.userToken.findMany({ where: { userId: 2, purpose: 'A' } });
    expect(expected.length).toBe(3);
    const found = await database.$findTokenIds(2n, 'A');
    expect(found.sort()).toEqual(expected.map(({ id }) => id).sort());
    for (const [userId, purpose] of [
      [2n, ''],
      [3n, 'A'],
      [1n, 'B'],
    ] as const) {
      expect(await database.$findTokenIds(userId, purpose)).toEqual([]);
    }
  });

  it('return the counts under keys, and no others', async () => {
    const { database } = await openEmptyDatabase();
    const rows = [
      { key: 'a', points: 1, expiresAt: full.expiresAt },
      { key: 'b', points: 0, expiresAt: null },
      { key: "'c", points: 2_000_000_000, expiresAt: full.authenticatedAt },
    ];
    await database.rateLimit.createMany({ data: [...rows, { ...rows[0], key: 'A', points: 7 }] });
    const found = await database.$findRateLimits(['b', "'c", 'a', 'unknown', '%']);
    expect(found.sort((one, another) => one.points - another.points)).toEqual([rows[1], rows[0], rows[2]]);
    expect(await database.$findRateLimits([])).toEqual([]);
  });

  it('see every commit at once, and nothing uncommitted', async () => {
    const { database, url } = await openEmptyDatabase();
    const other = await openDatabase(url);
    await database.session.create({ data: { ...full, userId: null } });
    const hash = async () => (await database.$findSession('full'))?.hashedSessionToken;
    for (const writer of [database, other]) {
      const set = (hashedSessionToken: string) => writer.session.updateMany({ data: { hashedSessionToken } });
      await set('before');
      const undone = writer.$transaction(async (db) => {
        await db.session.updateMany({ data: { hashedSessionToken: 'never' } });
        expect(await hash()).toBe('before');
        throw new Error('undone');
      });
      await expect(undone).rejects.toThrow('undone');
      expect(await hash()).toBe('before');
      await set('after');
      expect(await hash()).toBe('after');
    }
    await other.$disconnect();
  });

  it('work where statements do not stay prepared, as behind a pooler', async () => {
    const { url } = await openEmptyDatabase();
    if (!isPostgresql(url)) return;
    const database = await openDatabase(url, { poolSize: 1 });
    await database.session.create({ data: { ...full, userId: null } });
    for (let n = 0; n < 3; n += 1) {
      expect((await database.$findSession('full'))?.handle).toBe('full');
      await database.$executeRawUnsafe('DEALLOCATE ALL');
    }
    await database.$disconnect();
  });
});
