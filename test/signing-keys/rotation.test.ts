import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { Database } from '../../src/database/database.ts';
import { createEncryptionKey, type EncryptionKeys } from '../../src/encryption/keys.ts';
import { OperatorError } from '../../src/errors.ts';
import { acceptClock } from '../../src/maintenance/clock-check.ts';
import { maintain } from '../../src/maintenance/maintenance.ts';
import { deleteSigningKeys, rotateSigningKeys } from '../../src/signing-keys/rotate.ts';
import {
  jwksMaxAgeMs,
  maxCopyAgeMs,
  maxTokenLifetimeMs,
  planRotation,
  publicationMs,
  retirementMs,
  signingMs,
} from '../../src/signing-keys/rotation.ts';
import { openSigningKeys, type SigningKeys } from '../../src/signing-keys/signing-keys.ts';
import { openEmptyDatabase, refuseRows } from '../support/database.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';

const start = Date.parse('2026-12-01T00:00:00Z');
const minute = 60_000;
const defaults = readConfig({});

/** A database whose servers share a clock that the test moves. */
async function openCluster() {
  const opened = await openEmptyDatabase();
  const clock = { time: start, now: () => new Date(clock.time), stop: () => {} };
  const reported: unknown[] = [];
  const encryptionKeys = encryptionKeysOf();
  return {
    ...opened,
    clock,
    reported,
    encryptionKeys,
    /** Starts a server. */
    open: async (keys: EncryptionKeys | null = encryptionKeys, database: Database = opened.database) => {
      const config = { ...defaults, encryptionKeys: keys };
      return openSigningKeys(database, config, clock, (error) => reported.push(error));
    },
    /** Maintains. The test moves the clock by months, which an operator would have to confirm. */
    maintain: async () => {
      await acceptClock(opened.database, clock.now());
      return maintain(opened.database, { ...defaults, encryptionKeys }, clock);
    },
    rows: () => opened.database.signingKey.findMany({ orderBy: { signsFrom: 'asc' } }),
  };
}

function required(keys: SigningKeys | null): SigningKeys {
  if (keys === null) throw new Error('The server has no signing keys.');
  return keys;
}

function kidOf(token: string): string {
  return String(decodeProtectedHeader(token).kid);
}

async function published(keys: SigningKeys): Promise<JSONWebKeySet> {
  return JSON.parse(await keys.jwks());
}

async function publishedIds(keys: SigningKeys): Promise<string[]> {
  return (await published(keys)).keys.map(({ kid }) => String(kid));
}

describe('signing key', () => {
  it('is created once by two servers that start at once on an empty database, and signs at once', async () => {
    const cluster = await openCluster();
    const servers = (await Promise.all([cluster.open(), cluster.open(), cluster.open()])).map(required);
    const [row, ...others] = await cluster.rows();
    expect(others).toEqual([]);
    expect(row?.signsFrom).toEqual(cluster.clock.now());
    for (const server of servers) {
      expect(kidOf(await server.sign({}, { typ: 'test' }))).toBe(row?.kid);
      expect(await publishedIds(server)).toEqual([row?.kid]);
    }
    expect(await cluster.database.lease.count()).toBe(0);
  });

  it('is awaited while another process creates it, and created instead of one that died', async () => {
    const cluster = await openCluster();
    const expiresAt = new Date(start + 30_000);
    await cluster.database.lease.create({ data: { name: 'signing-keys', holder: 'another', expiresAt } });
    let isOpen = false;
    const opening = cluster.open().then((keys) => {
      isOpen = true;
      return keys;
    });
    const tries = () => cluster.statements.filter((sql) => /UPDATE .*Lease/.test(sql)).length;
    await expect.poll(tries).toBeGreaterThan(2);
    expect(isOpen).toBe(false);
    cluster.clock.time = start + 30_000;
    expect(await opening).not.toBeNull();
    expect(await cluster.rows()).toHaveLength(1);
  });

  it('is stored encrypted, and published without its private part', async () => {
    const cluster = await openCluster();
    const server = required(await cluster.open());
    const [row] = await cluster.rows();
    expect(row?.encryptedJwk).toMatch(/^A256GCM\.[\w-]+\.[\w-]+\.[\w-]+$/);
    const { keys } = await published(server);
    expect(keys).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: row?.kid,
        alg: 'ES256',
        use: 'sig',
      },
    ]);
  });

  it('signs with the type that the caller gives, as this issuer and now', async () => {
    const cluster = await openCluster();
    const server = required(await cluster.open());
    const token = await server.sign({ sub: 'someone', exp: start / 1000 + 60 }, { typ: 'token-introspection+jwt' });
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(await published(server)), {
      currentDate: cluster.clock.now(),
      typ: 'token-introspection+jwt',
    });
    expect(payload).toEqual({
      iss: 'http://localhost:4000',
      iat: start / 1000,
      exp: start / 1000 + 60,
      sub: 'someone',
    });
    expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: (await cluster.rows())[0]?.kid });
  });

  it('signs no token that could outlive it', async () => {
    const cluster = await openCluster();
    const server = required(await cluster.open());
    const exp = (start + maxTokenLifetimeMs) / 1000;
    await server.sign({ exp }, { typ: 'test' });
    await expect(server.sign({ exp: exp + 1 }, { typ: 'test' })).rejects.toThrow('may live for 300000 ms');
  });
});

describe('rotation of signing keys', () => {
  it('publishes the next key before it signs, and the last one until its tokens have expired', async () => {
    const cluster = await openCluster();
    const [one, other] = [required(await cluster.open()), required(await cluster.open())];
    const [first] = await cluster.rows();
    /** Moves the clock, maintains, and returns the keys that both servers sign with and publish. */
    const at = async (ms: number) => {
      cluster.clock.time = start + ms;
      await cluster.maintain();
      const seen = await Promise.all(
        [one, other].map(async (server) => [kidOf(await server.sign({}, { typ: 'test' })), await publishedIds(server)]),
      );
      expect(seen[0]).toEqual(seen[1]);
      return seen[0];
    };
    const createdAt = signingMs - publicationMs;
    expect(await at(createdAt - minute)).toEqual([first?.kid, [first?.kid]]);
    expect(await at(createdAt)).toEqual([first?.kid, [first?.kid, expect.any(String)]]);
    const [, second] = await cluster.rows();
    expect(second?.createdAt).toEqual(cluster.clock.now());
    const both = [first?.kid, second?.kid];
    expect(await at(createdAt + publicationMs / 2)).toEqual([first?.kid, both]);
    expect(await at(signingMs - 1)).toEqual([first?.kid, both]);
    expect(await at(signingMs)).toEqual([second?.kid, both]);
    expect(await at(signingMs + retirementMs - minute)).toEqual([second?.kid, both]);
    expect(await at(signingMs + retirementMs)).toEqual([second?.kid, [second?.kid]]);
    expect(await cluster.rows()).toEqual([second]);
    expect(cluster.reported).toEqual([]);
  });

  it('is followed by a server that was idle through all of it, with its first answer', async () => {
    const cluster = await openCluster();
    const idle = required(await cluster.open());
    for (const ms of [signingMs - publicationMs, signingMs + retirementMs]) {
      cluster.clock.time = start + ms;
      await cluster.maintain();
    }
    const [row] = await cluster.rows();
    expect(await publishedIds(idle)).toEqual([row?.kid]);
    expect(kidOf(await idle.sign({}, { typ: 'test' }))).toBe(row?.kid);
  });

  it('goes on with the old key after a long stop of all servers, until the next one has been published', async () => {
    const cluster = await openCluster();
    required(await cluster.open());
    const [first] = await cluster.rows();
    cluster.clock.time = start + 3 * signingMs;
    const server = required(await cluster.open());
    await cluster.maintain();
    expect(kidOf(await server.sign({}, { typ: 'test' }))).toBe(first?.kid);
    cluster.clock.time += publicationMs;
    const [, second] = await cluster.rows();
    expect(kidOf(await server.sign({}, { typ: 'test' }))).toBe(second?.kid);
  });

  it('is done by one of two processes at once', async () => {
    const cluster = await openCluster();
    required(await cluster.open());
    cluster.clock.time = start + signingMs;
    const rotate = () => rotateSigningKeys(cluster.database, cluster.encryptionKeys, cluster.clock);
    await Promise.all([rotate(), rotate(), rotate(), cluster.maintain()]);
    expect(await cluster.rows()).toHaveLength(2);
  });

  it('leaves a key published for longer than any cache and any token needs', () => {
    expect(publicationMs).toBeGreaterThan(maxCopyAgeMs + jwksMaxAgeMs + minute);
    expect(retirementMs).toBeGreaterThanOrEqual(maxTokenLifetimeMs + jwksMaxAgeMs + minute);
    expect(signingMs).toBeGreaterThan(publicationMs + retirementMs);
  });

  it('never deletes the key that signs, at any time and with any keys', () => {
    const day = 86_400_000;
    const keys = [0, 1, 2].map((n) => ({ kid: `k${n}`, signsFrom: new Date(start + n * 30 * day) }));
    for (let time = start; time < start + 120 * day; time += day / 3) {
      const now = new Date(time);
      const { expiredKids } = planRotation(keys, now);
      const signing = keys.findLast(({ signsFrom }) => signsFrom <= now);
      expect(expiredKids).not.toContain(signing?.kid);
      expect(expiredKids).not.toContain('k2');
    }
  });
});

describe('copy of the signing keys', () => {
  it('is read once a minute, for any number of requests', async () => {
    const cluster = await openCluster();
    const server = required(await cluster.open());
    const readsAfter = async (ms: number) => {
      cluster.clock.time += ms;
      cluster.statements.length = 0;
      await Promise.all(
        Array.from({ length: 50 }, () => Promise.all([server.jwks(), server.sign({}, { typ: 'test' })])),
      );
      return cluster.statements.length;
    };
    expect(await readsAfter(minute - 1)).toBe(0);
    expect(await readsAfter(1)).toBe(1);
    expect(await readsAfter(1)).toBe(0);
  });

  it('serves while the database does not answer, but not for long', async () => {
    const cluster = await openCluster();
    const server = required(await cluster.open());
    await cluster.database.$executeRawUnsafe('ALTER TABLE "SigningKey" RENAME COLUMN "signsFrom" TO "gone"');
    cluster.clock.time += maxCopyAgeMs - 1;
    const jwks = await server.jwks();
    expect(cluster.reported).toHaveLength(1);
    // The next read has a pause.
    expect(await server.jwks()).toBe(jwks);
    expect(cluster.reported).toHaveLength(1);
    cluster.clock.time += 1;
    await expect(server.jwks()).rejects.toThrow();
    await expect(server.sign({}, { typ: 'test' })).rejects.toThrow();
    await cluster.database.$executeRawUnsafe('ALTER TABLE "SigningKey" RENAME COLUMN "gone" TO "signsFrom"');
    expect(await server.jwks()).toBe(jwks);
  });

  it('lets no request wait for a read, once a read has failed', async () => {
    const cluster = await openCluster();
    const { findMany } = cluster.database.signingKey;
    /** Answers instead of the database, while there is such a function. */
    let instead: (() => Promise<never>) | null = null;
    cluster.database.signingKey.findMany = ((query: object) => (instead ?? findMany)(query)) as never;
    const server = required(await cluster.open());
    const jwks = await server.jwks();
    instead = () => Promise.reject(Object.assign(new Error('gone'), { code: 'P1001' }));
    cluster.clock.time += minute;
    expect(await server.jwks()).toBe(jwks);
    const { promise, resolve } = Promise.withResolvers<never>();
    instead = () => promise;
    cluster.clock.time += minute;
    expect(await server.jwks()).toBe(jwks);
    instead = null;
    resolve((await cluster.rows()) as never);
    await expect.poll(() => server.jwks()).toBe(jwks);
    expect(cluster.reported).toEqual([]);
  });

  it('follows the deletion of all keys within a minute, with a new key', async () => {
    const cluster = await openCluster();
    const servers = [required(await cluster.open()), required(await cluster.open())];
    const [first] = await cluster.rows();
    expect(await deleteSigningKeys(cluster.database)).toBe(1);
    cluster.clock.time += minute;
    const kids = await Promise.all(servers.map(async (server) => kidOf(await server.sign({}, { typ: 'test' }))));
    const [second, ...others] = await cluster.rows();
    expect(others).toEqual([]);
    expect(kids).toEqual([second?.kid, second?.kid]);
    expect(second?.kid).not.toBe(first?.kid);
  });
});

describe('encryption keys of signing keys', () => {
  const [a, b] = [createEncryptionKey(), createEncryptionKey()];
  const named = (id: string, entry: string) => `${id}:${entry.split(':')[1]}`;

  it.each([
    ['another one', encryptionKeysOf(named('b', b)), /lacks the key "a"/],
    ['another one of the same id', encryptionKeysOf(named('a', b)), /The key "a" of ENCRYPTION_KEYS does not decrypt/],
    ['none', null, /^The database has signing keys, but ENCRYPTION_KEYS is not set/],
  ])(
    'are required at the start: with %s, the server does not start and makes no new key',
    async (_name, wrong, problem) => {
      const cluster = await openCluster();
      const right = encryptionKeysOf(named('a', a));
      await cluster.open(right);
      const before = await cluster.rows();
      const opening = cluster.open(wrong);
      await expect(opening).rejects.toThrow(OperatorError);
      await expect(opening).rejects.toThrow(problem);
      await expect(opening).rejects.toThrow('`delete-signing-keys`');
      // Nor does a command of maintenance with these keys, when the next one is due.
      cluster.clock.time += signingMs;
      if (wrong) await expect(rotateSigningKeys(cluster.database, wrong, cluster.clock)).rejects.toThrow(OperatorError);
      expect(await cluster.rows()).toEqual(before);
      expect(await cluster.open(right)).not.toBeNull();
    },
  );

  it('may change: the first one encrypts again what the others encrypted, and then they may go', async () => {
    const cluster = await openCluster();
    const server = required(await cluster.open(encryptionKeysOf(named('a', a))));
    const token = await server.sign({}, { typ: 'test' });
    await cluster.open(encryptionKeysOf(named('b', b), named('a', a)));
    await rotateSigningKeys(cluster.database, encryptionKeysOf(named('b', b), named('a', a)), cluster.clock);
    const after = required(await cluster.open(encryptionKeysOf(named('b', b))));
    expect(await after.jwks()).toBe(await server.jwks());
    await jwtVerify(token, createLocalJWKSet(await published(after)));
  });

  it('bind a signing key to its row', async () => {
    const cluster = await openCluster();
    await cluster.open();
    await cluster.database.signingKey.updateMany({ data: { kid: 'another' } });
    await expect(cluster.open()).rejects.toThrow(/does not decrypt a value of SigningKey\.encryptedJwk/);
  });

  it('are not needed by a server that signs nothing', async () => {
    const cluster = await openCluster();
    expect(await cluster.open(null)).toBeNull();
    expect(await cluster.rows()).toEqual([]);
  });

  it('are not blamed for another failure', async () => {
    const cluster = await openCluster();
    await refuseRows(cluster, 'SigningKey');
    await expect(cluster.open()).rejects.not.toThrow(OperatorError);
  });
});
