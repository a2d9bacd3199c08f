import { describe, expect, it } from 'vitest';
import { deleteUser, reinstateUser, suspendUser } from '../../src/accounts/administration.ts';
import { resetFactorsNow } from '../../src/accounts/factors/reset.ts';
import { commandScope } from '../../src/scope.ts';
import { changePassword, signUpProved, undo } from '../support/account-changes.ts';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { type App, addApp, completeLogin, encryptionKeys, nextCode } from '../support/second-factor.ts';

const ada = 'ada@example.com';
const fresh = 'a quite different passphrase';

type Started = { api: TestApi; owner: Client; app: App; id: bigint };

async function start(): Promise<Started> {
  const api = await startApi({ encryptionKeys });
  const owner = await signUpProved(api, ada);
  const app = await addApp(api, owner);
  await deliverMail(api);
  const { id } = await api.database.user.findUniqueOrThrow({ where: { email: ada } });
  return { api, owner, app, id };
}

/** Acts between the two factors of a sign-in. The last password and the app of the sign-in stay right. */
const acts: [name: string, act: (started: Started) => Promise<unknown>][] = [
  [
    'a suspension, also a short one',
    async ({ api, id }) => {
      const scope = commandScope(api.clock.now);
      await suspendUser(api.database, scope, id, ['admin']);
      await reinstateUser(api.database, scope, id);
    },
  ],
  [
    'an undo of a change of the password, which restores the password',
    async ({ api, owner }) => {
      const link = await changePassword(api, owner, [password, fresh]);
      expect(await undo(api, link)).toMatchObject({ hasPassword: true });
    },
  ],
  ['another app', ({ api, owner }) => addApp(api, owner)],
  ['the removal of the app', ({ owner }) => owner.act('removeAuthenticatorApp')],
  [
    'a reset of the factors',
    ({ api, id }) => resetFactorsNow(api.database, commandScope(api.clock.now), { id, reason: 'LOST' }),
  ],
  [
    'the deletion of the account',
    ({ api, id }) => deleteUser(api.database, commandScope(api.clock.now), id, ['admin']),
  ],
];

describe('sign-in that waits for the second factor', () => {
  it.each(acts)('does not survive %s', async (_name, act) => {
    const started = await start();
    const { api, app } = started;
    const pending = api.client();
    const { challenge } = await pending.login(ada);
    await act(started);
    nextCode(api);
    const result = await completeLogin(pending, challenge, { totpCode: app.code() });
    expect(result).toMatchObject({ code: 'CHALLENGE_INVALID' });
    expect((await pending.ask('{ viewer { id } }')).viewer).toBeNull();
    expect(api.reported).toEqual([]);
  });

  it('does not survive the link in the mail about a new device', async () => {
    const { api, app } = await start();
    const thief = api.client();
    const first = await thief.login(ada);
    await completeLogin(thief, first.challenge, { totpCode: app.code() });
    const token = tokenIn(await deliverMail(api), 'new-device');
    nextCode(api);
    const { challenge } = await thief.login(ada);
    await api.client().act('disownSession', { token });
    expect(await completeLogin(thief, challenge, { totpCode: app.code() })).toMatchObject({
      code: 'CHALLENGE_INVALID',
    });
  });
});

describe('password reset of an account with a second factor', () => {
  it('starts no session before the second factor', async () => {
    const { api, app } = await start();
    const client = api.client();
    await client.act('requestPasswordReset', { email: ada });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const input = { token, newPassword: fresh, transport: 'BEARER' };
    const fields = '... on SecondFactorRequired { challenge methods } ... on SignInPayload { token }';
    const result = await client.act('resetPassword', input, fields);
    expect(result).toMatchObject({ __typename: 'SecondFactorRequired', methods: ['TOTP', 'RECOVERY_CODE'] });
    expect(await api.database.session.count({ where: { hashedSessionToken: { not: null } } })).toBe(0);
    expect(await completeLogin(client, result.challenge, { totpCode: app.code() })).toMatchObject({
      viewer: { email: ada },
    });
    const [session] = await api.database.session.findMany({ where: { hashedSessionToken: { not: null } } });
    expect(session?.authenticationMethods).toBe('email totp');
  });
});
