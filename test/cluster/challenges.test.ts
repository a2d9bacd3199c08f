/** @module-tag slow/cluster */
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createPendingSignIn } from '../../src/accounts/sign-ins/pending.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { createEncryptionKey, type EncryptionKeys } from '../../src/encryption/keys.ts';
import { addAuthenticatorApps, createTotpSecret } from '../../src/factors/authenticator-app.ts';
import { commandScope } from '../../src/scope.ts';
import type { Data } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { startPostgresql } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';
import { codeAt } from '../support/second-factor.ts';

const races = inject('challengeRaces');

/** The number of races at once: fewer than the connections of a node, so that all of them run and none waits. */
const batch = 10;

/** A pending sign-in, with the secret of the app that completes it. */
type Pending = { challenge: string; secret: string };

/** Begins the sign-ins of new users, as `login` does after the password. */
async function begin(database: Database, keys: EncryptionKeys, batchNumber: number): Promise<Pending[]> {
  const scope = commandScope(new Date());
  const names = Array.from({ length: batch }, (_, n) => `user${batchNumber}.${n}@example.com`);
  const data = names.map((email) => ({ email, role: 'user', secondFactorSince: scope.now }));
  const users = await database.user.createManyAndReturn({ data });
  const apps = users.map(({ id }) => ({ userId: id, secret: createTotpSecret() }));
  // No code of the last minutes was used.
  await addAuthenticatorApps(database, keys, apps, new Date(scope.now.getTime() - 600_000));
  return Promise.all(
    users.map(async (user, n) => {
      const proof = { methods: ['password'], at: scope.now } as const;
      const request = { type: 'LOGGED_IN', transport: 'BEARER', isRemembered: true, visitor: null } as const;
      const { challenge } = await createPendingSignIn(database, scope, { user, proof, ...request });
      return { challenge, secret: apps[n]?.secret ?? '' };
    }),
  );
}

const mutation = `mutation ($challenge: String!, $answer: FactorAnswer!) {
  completeLogin(challenge: $challenge, answer: $answer) {
    __typename ... on ChallengeInvalidError { reason } ... on UserError { code } } }`;

/**
 * Completes a sign-in at a node, and returns the name of the result, with the reason of a refusal. A node whose database
 * is too busy asks the client to send the request again.
 */
async function complete(node: string, challenge: string, codeNow: () => string): Promise<string> {
  const answer = { totpCode: codeNow() };
  const body = JSON.stringify({ query: mutation, variables: { challenge, answer } });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(node, { method: 'POST', headers, body, signal: AbortSignal.timeout(120_000) });
  const { data, errors } = (await response.json()) as Data;
  if (response.status === 503) return complete(node, challenge, codeNow);
  if (!data?.completeLogin) throw new Error(`${response.status}: ${JSON.stringify(errors)}`);
  const { __typename, reason, code } = data.completeLogin;
  return reason ?? code ?? __typename;
}

describe('the challenges of sign-ins, each answered at three nodes at once', () => {
  it('start one session each, also with three codes that are all right', { timeout: 1_800_000 }, async () => {
    const server = await startPostgresql();
    onTestFinished(() => server.stop());
    const key = createEncryptionKey();
    const env = { ENCRYPTION_KEYS: key, LOGIN_ATTEMPTS_PER_ADDRESS: '1000000' };
    const nodes: string[] = [];
    for (let node = 0; node < 3; node += 1) nodes.push((await startServer(server.url, env)).address);
    const database = await openDatabase(server.url, { poolSize: batch });
    onTestFinished(() => database.$disconnect());

    const counts: Record<string, number> = {};
    for (let started = 0; started < races; started += batch) {
      const pending = await begin(database, encryptionKeysOf(key), started / batch);
      await Promise.all(
        pending.map(async ({ challenge, secret }) => {
          const results = await Promise.all(
            nodes.map((node, n) => complete(node, challenge, () => codeAt(secret, Date.now() + (n - 1) * 30_000))),
          );
          for (const result of results) counts[result] = (counts[result] ?? 0) + 1;
          // None if the answer with the session was lost with a 503. The session is counted below.
          expect(results.filter((result) => result === 'SignInPayload').length).toBeLessThanOrEqual(1);
        }),
      );
    }
    console.log(`three nodes: ${JSON.stringify(counts)}`);
    const sessions = await database.session.groupBy({ by: ['userId'], _count: true });
    expect(sessions.filter(({ _count }) => _count !== 1)).toEqual([]);
    expect(sessions).toHaveLength(races);
    expect(await database.challenge.count({ where: { usedAt: null } })).toBe(0);
  });
});
