import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { OperatorError } from '../../src/errors.ts';
import { createTotpSecret, redeemTotpCode, saveAuthenticatorApp } from '../../src/factors/authenticator-app.ts';
import { reencryptAuthenticatorApps } from '../../src/factors/reencrypt.ts';
import { maintain } from '../../src/maintenance/maintenance.ts';
import { countSecrets } from '../../src/maintenance/reencrypt.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { openEmptyDatabase } from '../support/database.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { App, addApp, completeLogin } from '../support/second-factor.ts';

const email = 'ada@example.com';
const [old, next] = [createEncryptionKey(), createEncryptionKey()];
const idOf = (key: string) => key.split(':')[0] ?? '';

/** A server with the old key, and an account with an app. */
async function start() {
  const api = await startApi({ encryptionKeys: encryptionKeysOf(old) });
  const app = await addApp(api, await api.signUp(email));
  return { api, app };
}

const maintained = (api: TestApi) => maintain(api.database, api.config, { now: () => api.clock.now, stop: () => {} });

const keysOf = async ({ database, clock }: TestApi) =>
  (await countSecrets(database, clock.now)).map(({ secret, keyId, count }) => [secret, keyId, count]);

describe('the secrets of authenticator apps', () => {
  it('are encrypted with the first key by the maintenance, while sign-ins go on', async () => {
    const { api, app } = await start();
    expect(await keysOf(api)).toContainEqual(['authenticator app', idOf(old), 1]);
    api.config.encryptionKeys = encryptionKeysOf(next, old);
    const client = api.client();
    const { challenge } = await client.login(email);
    const [completed] = await Promise.all([
      completeLogin(client, challenge, { totpCode: app.code() }),
      maintained(api),
    ]);
    expect(completed).toMatchObject({ viewer: { email } });
    expect(await keysOf(api)).toEqual([
      ['authenticator app', idOf(next), 1],
      ['signing key', idOf(next), 1],
    ]);
    api.config.encryptionKeys = encryptionKeysOf(next);
    api.clock.now = new Date(api.clock.now.getTime() + 30_000);
    const later = api.client();
    const again = await later.login(email);
    const result = await completeLogin(later, again.challenge, { totpCode: app.code() });
    expect(result).toMatchObject({ viewer: { email } });
  });

  it('are read before, and written after, without the refusal of a right code', async () => {
    const { database } = await openEmptyDatabase();
    const user = await database.user.create({ data: { email, role: 'user' } });
    const secret = createTotpSecret();
    const now = new Date();
    await saveAuthenticatorApp(database, encryptionKeysOf(old), { userId: user.id, secret, step: 0 }, now);
    const keys = encryptionKeysOf(next, old);
    const code = new App(secret, { clock: { now } }).code();
    const whileReading = reencryptedBy(database, () => reencryptAuthenticatorApps(database, keys));
    await redeemTotpCode(whileReading, keys, { userId: user.id, code }, now);
    const { encryptedSecret, lastUsedStep } = await database.authenticatorApp.findFirstOrThrow();
    expect(encryptedSecret).toContain(`.${idOf(next)}.`);
    expect(lastUsedStep).toBe(Math.floor(now.getTime() / 30_000));
  });

  it('are done but for those that cannot be decrypted, which are reported', async () => {
    const { api } = await start();
    await addApp(api, await api.signUp('bob@example.com'));
    await api.database.authenticatorApp.updateMany({
      where: { user: { is: { email } } },
      data: { encryptedSecret: 'A256GCM.lost.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
    });
    api.config.encryptionKeys = encryptionKeysOf(next, old);
    await expect(maintained(api)).rejects.toThrow('ENCRYPTION_KEYS lacks the key "lost"');
    expect(await keysOf(api)).toEqual([
      ['authenticator app', idOf(next), 1],
      ['authenticator app', 'lost', 1],
      ['signing key', idOf(next), 1],
    ]);
  });
});

/** Returns a database that changes the apps between the read and the write of a code. */
function reencryptedBy(database: Database, change: () => Promise<void>): Database {
  const { authenticatorApp } = database;
  const apps = {
    updateMany: authenticatorApp.updateMany.bind(authenticatorApp),
    findUnique: async (args: Parameters<typeof authenticatorApp.findUnique>[0]) => {
      const found = await authenticatorApp.findUnique(args);
      await change();
      return found;
    },
  };
  // The other properties are those of the database.
  return new Proxy(database, { get: (all, name) => (name === 'authenticatorApp' ? apps : Reflect.get(all, name)) });
}

describe('an encryption key that was removed too early', () => {
  it.each([
    ['replaced', encryptionKeysOf(next), `ENCRYPTION_KEYS lacks the key "${idOf(old)}"`],
    ['removed', null, 'ENCRYPTION_KEYS is not set'],
  ])('and %s fails sign-ins with a reported error, and refuses no right code as a wrong one', async (_, keys, text) => {
    const { api, app } = await start();
    const client = api.client();
    const { challenge } = await client.login(email);
    api.config.encryptionKeys = keys;
    const mutation = `mutation { completeLogin(challenge: "${challenge}", answer: { totpCode: "${app.code()}" }) {
      __typename } }`;
    const { data, code } = await client.send(mutation);
    expect([data.completeLogin, code]).toEqual([null, 'INTERNAL_SERVER_ERROR']);
    const [error, ...others] = api.reported.splice(0);
    expect(others).toEqual([]);
    expect(error).toBeInstanceOf(OperatorError);
    expect(String(error)).toContain(text);
    // The attempt counts nowhere.
    expect(
      await api.database.rateLimit.findMany({ where: { points: { gt: 0 }, key: { contains: 'in-a-row' } } }),
    ).toEqual([]);
    expect(await api.database.auditEvent.count({ where: { type: 'SECOND_FACTOR_FAILED' } })).toBe(0);
    api.config.encryptionKeys = encryptionKeysOf(next, old);
    const later = await completeLogin(client, challenge, { totpCode: app.code() });
    expect(later).toMatchObject({ viewer: { email } });
  });
});
