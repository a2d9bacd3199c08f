import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { EncryptionKeys } from '../../src/encryption/keys.ts';
import { createTotpSecret, secretOf } from '../../src/factors/authenticator-app.ts';
import { hashPassword } from '../../src/passwords/password.ts';
import { pagesOfUsers } from '../../src/transfer/export.ts';
import { dryRunImport, type ImportOutcome, importUsers, type Line } from '../../src/transfer/import.ts';
import { importBatch } from '../../src/transfer/import-batch.ts';
import { formatUserRecord } from '../../src/transfer/user-record.ts';
import { password, startApi } from '../support/api.ts';
import { openEmptyDatabase } from '../support/database.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { addPasskey, authenticatorOf, finishLogin, startLogin } from '../support/passkeys.ts';
import { codeAt, completeLogin, encryptionKeys } from '../support/second-factor.ts';

const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'c2FsdA'.repeat(3)}$${'aGFzaA'.repeat(7)}`;
const now = new Date('2026-11-22T12:00:00.000Z');

async function* linesOf(values: unknown[]): AsyncGenerator<Line> {
  for (const [index, value] of values.entries()) {
    yield { number: index + 1, text: typeof value === 'string' ? value : JSON.stringify(value) };
  }
}

function importInto(
  database: Database,
  values: unknown[],
  keys: EncryptionKeys | null = null,
): Promise<ImportOutcome[]> {
  return Array.fromAsync(importUsers(linesOf(values), (batch) => importBatch(database, batch, now, keys)));
}

async function exportFrom(database: Database, keys: EncryptionKeys | null = null): Promise<string[]> {
  const pages = await Array.fromAsync(pagesOfUsers(database, keys !== null));
  return pages.flat().map((user) => formatUserRecord(user, { withPasswordHash: true, factors: keys && { keys } }));
}

const kinds = (outcomes: ImportOutcome[]) => outcomes.map(({ line, kind }) => `${line} ${kind}`);

const people = [
  { email: 'ada@example.com', name: 'Ada', role: 'admin', hashedPassword: hash },
  { email: 'bob@example.com', emailVerifiedAt: '2024-02-29T01:02:03.456Z' },
  { email: 'eve@example.com', suspendedAt: '2024-02-29T01:02:03.001Z', createdAt: '1999-12-31T23:59:59.999Z' },
];

describe('importUsers', () => {
  it('creates a user for each line, in their order, and records their origin', async () => {
    const { database } = await openEmptyDatabase();
    expect(kinds(await importInto(database, people))).toEqual(['1 imported', '2 imported', '3 imported']);
    const users = await database.user.findMany({ orderBy: { id: 'asc' } });
    const nothing = { name: null, role: 'user', hashedPassword: null, emailVerifiedAt: null, suspendedAt: null };
    expect(users).toMatchObject([
      { ...nothing, ...people[0], createdAt: now },
      { ...nothing, ...people[1], emailVerifiedAt: new Date('2024-02-29T01:02:03.456Z'), createdAt: now },
      {
        ...nothing,
        ...people[2],
        suspendedAt: new Date('2024-02-29T01:02:03.001Z'),
        createdAt: new Date('1999-12-31T23:59:59.999Z'),
      },
    ]);
    const events = await database.auditEvent.findMany({ orderBy: { userId: 'asc' } });
    expect(events).toMatchObject(
      users.map(({ id, role }) => ({ type: 'USER_CREATED', userId: id, actorId: null, detail: role, at: now })),
    );
  });

  it('does nothing the second time, and reports lines that differ from existing users', async () => {
    const { database } = await openEmptyDatabase();
    await importInto(database, people);
    const before = await exportFrom(database);
    expect(await importInto(database, people)).toEqual(
      [1, 2, 3].map((line) => ({ line, kind: 'present', differs: [] })),
    );
    const others = [
      { email: 'ADA@example.com', name: 'Ada' },
      { email: 'bob@example.com', name: 'Bob', role: 'admin', emailVerifiedAt: '2024-02-29T02:02:03.456+01:00' },
      { email: 'eve@example.com', suspendedAt: null, createdAt: '1999-12-31T23:59:59.998Z' },
    ];
    expect(await importInto(database, others)).toMatchObject([
      { kind: 'present', differs: [] },
      { kind: 'present', differs: ['name', 'role'] },
      { kind: 'present', differs: ['suspendedAt', 'createdAt'] },
    ]);
    expect(await exportFrom(database)).toEqual(before);
    expect(await database.auditEvent.count()).toBe(3);
  });

  it('imports valid lines despite invalid ones, and the first of two with one address', async () => {
    const { database } = await openEmptyDatabase();
    const lines = [
      { email: 'nobody' },
      people[0],
      'no JSON',
      '  ',
      { email: 'ada@EXAMPLE.com', role: 'user' },
      people[1],
    ];
    const outcomes = await importInto(database, lines);
    expect(kinds(outcomes).sort()).toEqual(['1 refused', '2 imported', '3 refused', '5 present', '6 imported']);
    expect(outcomes.find(({ line }) => line === 5)).toMatchObject({ differs: ['role'] });
    expect(await database.user.count()).toBe(2);
  });

  it('continues after any number of batches, and a failed batch leaves nothing', async () => {
    const { database } = await openEmptyDatabase();
    const many = Array.from({ length: 1_234 }, (_, index) => ({ email: `user${index}@example.com` }));
    let batches = 0;
    const failing = importUsers(linesOf(many), async (batch) => {
      batches += 1;
      // So that the third one fails when its users are made already.
      if (batches === 3) await database.$executeRaw`ALTER TABLE "AuditEvent" RENAME TO "Elsewhere"`;
      return importBatch(database, batch, now);
    });
    await expect(Array.fromAsync(failing)).rejects.toThrow();
    await database.$executeRaw`ALTER TABLE "Elsewhere" RENAME TO "AuditEvent"`;
    const interrupted = await database.user.count();
    expect(interrupted).toBeGreaterThan(0);
    expect(interrupted).toBeLessThan(many.length);
    expect(await database.auditEvent.count()).toBe(interrupted);
    const again = await importInto(database, many);
    expect(again.filter(({ kind }) => kind === 'present')).toHaveLength(interrupted);
    expect(await database.user.count()).toBe(many.length);
    expect(await database.auditEvent.count()).toBe(many.length);
  });

  it('leaves users alone who signed up between the look-up and the write', async () => {
    const { database } = await openEmptyDatabase();
    await importInto(database, people.slice(0, 1));
    const looksTooEarly = database.$extends({ query: { user: { findMany: async () => [] } } });
    const outcomes = await importInto(looksTooEarly as unknown as Database, people);
    expect(kinds(outcomes)).toEqual(['1 present', '2 imported', '3 imported']);
    expect(await database.user.count()).toBe(3);
    expect(await database.auditEvent.count()).toBe(3);
  });

  it('gives a username to the first who has it, also against one who signed up meanwhile', async () => {
    const { database } = await openEmptyDatabase();
    const lines = [
      { email: 'ada@example.com', username: 'Bob' },
      { email: 'bob@example.com', username: 'b0b' },
      { email: 'eve@example.com', username: 'admin' },
      { email: 'nobody@example.com', username: 'a b' },
    ];
    const expected = ['1 imported', '2 refused', '3 imported', '4 refused'];
    const rehearsed = await Array.fromAsync(importUsers(linesOf(lines), dryRunImport(database)));
    expect(kinds(rehearsed).toSorted()).toEqual(expected);
    expect(kinds(await importInto(database, lines)).toSorted()).toEqual(expected);
    const again = await importInto(database, lines);
    expect(kinds(again).toSorted()).toEqual(['1 present', '2 refused', '3 present', '4 refused']);
    const looksTooEarly = database.$extends({ query: { user: { findMany: async () => [] } } });
    const importLate = (line: unknown) => importInto(looksTooEarly as unknown as Database, [line]);
    expect(kinds(await importLate(lines[1]))).toEqual(['1 refused']);
    expect(kinds(await importLate(lines[0]))).toEqual(['1 present']);
    const users = await database.user.findMany({ orderBy: { id: 'asc' } });
    expect(users.map(({ username, usernameKey }) => [username, usernameKey])).toEqual([
      ['bob', 'bob'],
      ['admin', 'adrnin'],
    ]);
  });

  it('creates no user twice in concurrent imports, also in reverse order', async () => {
    const { database } = await openEmptyDatabase();
    for (let round = 0; round < 5; round += 1) {
      const many = Array.from({ length: 500 }, (_, index) => ({ email: `user${index}.${round}@example.com` }));
      const all = await Promise.all([many, many.toReversed(), many].map((each) => importInto(database, each)));
      expect(all.flat().filter(({ kind }) => kind === 'imported')).toHaveLength(many.length);
    }
    expect(await database.user.count()).toBe(2_500);
    expect(await database.auditEvent.count()).toBe(2_500);
  });
});

describe('an imported authenticator app', () => {
  const secret = createTotpSecret();
  const ada = { email: 'ada@example.com', hashedPassword: hash, totp: { secret } };

  it('is stored encrypted, and the user needs a second factor from then on', async () => {
    const { database } = await openEmptyDatabase();
    const since = '2024-02-29T01:02:03.456Z';
    const lines = [ada, { ...ada, email: 'bob@example.com', secondFactorSince: since }, people[2]];
    await importInto(database, lines, encryptionKeys);
    const users = await database.user.findMany({ orderBy: { id: 'asc' }, include: { authenticatorApp: true } });
    expect(users).toMatchObject([
      { email: 'ada@example.com', secondFactorSince: now },
      { email: 'bob@example.com', secondFactorSince: new Date(since) },
      { email: 'eve@example.com', secondFactorSince: null, authenticatorApp: null },
    ]);
    for (const { authenticatorApp: app } of users.slice(0, 2)) {
      expect(app?.encryptedSecret).not.toContain(secret);
      expect(app && secretOf(encryptionKeys, app)).toBe(secret);
    }
    const events = await database.auditEvent.findMany({ where: { type: 'FACTOR_ADDED' } });
    expect(events.map(({ userId, detail }) => [userId, detail])).toEqual([
      [users[0]?.id, 'TOTP'],
      [users[1]?.id, 'TOTP'],
    ]);
  });

  it('signs in with its codes, but with none that another system may have accepted', async () => {
    const api = await startApi({ encryptionKeys });
    api.clock.now = now;
    const hashedPassword = await hashPassword(password, api.config.passwords);
    await importInto(api.database, [{ ...ada, hashedPassword }], encryptionKeys);
    const client = api.client();
    const { challenge } = await client.login(ada.email);
    for (const step of [-1, 0, 1]) {
      const totpCode = codeAt(secret, now.getTime() + step * 30_000);
      expect(await completeLogin(client, challenge, { totpCode })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    api.clock.now = new Date(now.getTime() + 60_000);
    const totpCode = codeAt(secret, api.clock.now.getTime());
    expect(await completeLogin(client, challenge, { totpCode })).toMatchObject({ viewer: { email: ada.email } });
  });

  it('changes no existing account: a different one is reported', async () => {
    const { database } = await openEmptyDatabase();
    await importInto(database, [ada, people[1]], encryptionKeys);
    const before = await exportFrom(database, encryptionKeys);
    const others = [ada, { ...ada, totp: { secret: createTotpSecret() } }, { ...ada, totp: null }];
    expect(await importInto(database, [...others, { ...people[1], totp: { secret } }], encryptionKeys)).toMatchObject([
      { kind: 'present', differs: [] },
      { kind: 'present', differs: ['totp'] },
      { kind: 'present', differs: ['totp'] },
      { kind: 'present', differs: ['totp'] },
    ]);
    expect(await importInto(database, [{ email: ada.email, totp: null }])).toMatchObject([{ differs: ['totp'] }]);
    expect(await exportFrom(database, encryptionKeys)).toEqual(before);
  });

  it('stops an import without encryption keys, a dry run too, and leaves nothing', async () => {
    const { database } = await openEmptyDatabase();
    const refused = /^Line 2 has totp, but ENCRYPTION_KEYS is not set/;
    await expect(importInto(database, [people[1], ada])).rejects.toThrow(refused);
    const dryRun = importUsers(linesOf([people[1], ada]), dryRunImport(database));
    await expect(Array.fromAsync(dryRun)).rejects.toThrow(refused);
    expect(await database.user.count()).toBe(0);
    expect(kinds(await importInto(database, [{ ...ada, totp: null }]))).toEqual(['1 imported']);
  });

  it('is the same after an export and an import, under other keys', async () => {
    const [one, other] = [await openEmptyDatabase(), await openEmptyDatabase()];
    await importInto(one.database, [ada, ...people.slice(1)], encryptionKeys);
    const exported = await exportFrom(one.database, encryptionKeys);
    const otherKeys = encryptionKeysOf();
    await importInto(other.database, exported, otherKeys);
    expect(await exportFrom(other.database, otherKeys)).toEqual(exported);
    expect((await exportFrom(one.database)).join()).not.toContain(secret);
  });
});

describe('imported passkeys', () => {
  const email = 'ada@example.com';

  it('sign in as they did before, on a server with the same domain', async () => {
    const [one, other] = [await startApi(), await startApi()];
    const device = authenticatorOf(one);
    await addPasskey(await one.signUp(email), device);
    const exported = await exportFrom(one.database, encryptionKeys);
    expect(kinds(await importInto(other.database, exported))).toEqual(['1 imported']);
    const client = other.client();
    const { challenge, options } = await startLogin(client);
    const signedIn = await finishLogin(client, challenge, device.get(options));
    expect(signedIn).toMatchObject({ __typename: 'SignInPayload', viewer: { email } });
    const events = await other.database.auditEvent.findMany({ where: { type: 'FACTOR_ADDED' } });
    expect(events.map(({ detail }) => detail)).toEqual(['PASSKEY']);
    // As before, they do not turn on the need for a second factor.
    expect(await other.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('are the same after an export and an import, and change no existing account', async () => {
    const [one, other] = [await startApi(), await openEmptyDatabase()];
    const ada = await one.signUp(email);
    await addPasskey(ada, authenticatorOf(one));
    const exported = await exportFrom(one.database, encryptionKeys);
    await importInto(other.database, exported);
    expect(await exportFrom(other.database, encryptionKeys)).toEqual(exported);
    expect(await importInto(other.database, exported)).toMatchObject([{ kind: 'present', differs: [] }]);
    const record = JSON.parse(exported[0] ?? '');
    const without = { ...record, passkeys: [] };
    expect(await importInto(other.database, [without])).toMatchObject([{ kind: 'present', differs: ['passkeys'] }]);
    expect(await exportFrom(other.database, encryptionKeys)).toEqual(exported);
    expect((await exportFrom(one.database)).join()).not.toContain(record.passkeys[0].publicKey);
  });

  it('are refused if another user has one, or if no signature of the key can be verified', async () => {
    const one = await startApi();
    await addPasskey(await one.signUp(email), authenticatorOf(one));
    const { passkeys } = JSON.parse((await exportFrom(one.database, encryptionKeys))[0] ?? '');
    const [passkey] = passkeys;
    const reason = 'passkeys has one that a user has already.';
    const lines = [
      { email: 'eve@example.com', passkeys },
      { email: 'bob@example.com', passkeys: [{ ...passkey, credentialId: 'Bw' }] },
      { email: 'dan@example.com', passkeys: [{ ...passkey, credentialId: 'Bw' }] },
      { email: 'kim@example.com', passkeys: [{ ...passkey, credentialId: 'CA', publicKey: 'pQECAyY' }] },
    ];
    const expected = [
      { line: 1, kind: 'refused', reason },
      { line: 2, kind: 'imported' },
      { line: 3, kind: 'refused', reason },
      { line: 4, kind: 'refused', reason: expect.stringMatching(/number 1 is not: publicKey must be a key of COSE/) },
    ];
    const byLine = (outcomes: ImportOutcome[]) => outcomes.toSorted((a, b) => a.line - b.line);
    const dryRun = await Array.fromAsync(importUsers(linesOf(lines), dryRunImport(one.database)));
    expect(byLine(dryRun)).toEqual(expected);
    expect(byLine(await importInto(one.database, lines))).toEqual(expected);
    expect(await one.database.passkey.count()).toBe(2);
  });
});

describe('rehearsal', () => {
  it('reports the result of each line, with a database and without one, and writes nothing', async () => {
    const { database } = await openEmptyDatabase();
    await importInto(database, people.slice(0, 1));
    const many = Array.from({ length: 700 }, (_, index) => ({ email: `user${index}@example.com` }));
    const lines = [...people, ...many, { email: 'nobody' }, ...many, { ...people[0], name: 'Lovelace' }];
    const rehearse = async (db: Database | null) => {
      const outcomes = await Array.fromAsync(importUsers(linesOf(lines), dryRunImport(db)));
      const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
      return { imported: count('imported'), present: count('present'), refused: count('refused') };
    };
    expect(await rehearse(database)).toEqual({ imported: 702, present: 702, refused: 1 });
    expect(await rehearse(null)).toEqual({ imported: 703, present: 701, refused: 1 });
    expect(await database.user.count()).toBe(1);
    const outcomes = await importInto(database, lines);
    expect(outcomes.filter(({ kind }) => kind === 'imported')).toHaveLength(702);
  });
});

describe('export', () => {
  it('of more than a page, imported into an empty database, gives the same users in the same order', async () => {
    const [one, other] = [await openEmptyDatabase(), await openEmptyDatabase()];
    const many = Array.from({ length: 2_100 }, (_, index) => ({
      ...people[index % people.length],
      email: `user${index}@example.com`,
      username: index % 2 === 0 ? `name${index}` : null,
      createdAt: new Date(now.getTime() - index).toISOString(),
    }));
    await importInto(one.database, many);
    await one.database.user.deleteMany({ where: { email: { in: ['user7@example.com', 'user1500@example.com'] } } });
    const exported = await exportFrom(one.database);
    expect(exported).toHaveLength(2_098);
    await importInto(other.database, exported);
    expect(await exportFrom(other.database)).toEqual(exported);
  });
});
