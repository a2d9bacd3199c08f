import { describe, expect, it } from 'vitest';
import { signUpProved } from '../support/account-changes.ts';
import { type Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { addApp, completeLogin, encryptionKeys, nextCode, startApp } from '../support/second-factor.ts';

const ada = 'ada@example.com';

async function start(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  const owner = await signUpProved(api, ada);
  const app = await addApp(api, owner);
  await deliverMail(api);
  return { api, owner, app };
}

const remove = (client: Client): Promise<Data> =>
  client.act('removeAuthenticatorApp', {}, '... on ViewerPayload { viewer { email } } ... on UserError { code }');

function later(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

describe('removal of an authenticator app', () => {
  it('turns the second factor off, with recent proofs of the password and a code', async () => {
    const { api, owner } = await start();
    expect(await remove(owner)).toMatchObject({ viewer: { email: ada } });
    expect(await api.database.authenticatorApp.count()).toBe(0);
    expect(await api.client().login(ada)).toMatchObject({ __typename: 'SignInPayload' });
    const event = await api.database.auditEvent.findFirstOrThrow({ where: { type: 'FACTOR_REMOVED', detail: 'TOTP' } });
    expect(event).toMatchObject({ detail: 'TOTP', actorId: event.userId });
    const [mail] = (await deliverMail(api)).filter(({ name }) => name === 'factors-changed');
    expect(mail).toMatchObject({ to: ada, token: expect.any(String) });
    expect(mail?.text).toContain('was removed.');
    expect(await remove(owner)).toMatchObject({ code: 'FACTOR_NOT_FOUND' });
  });

  it('needs both proofs again after a while, also of a thief who has the session and the password', async () => {
    const { api, owner } = await start();
    later(api, 16 * 60_000);
    expect(await remove(owner)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    await owner.act('reauthenticate', { password });
    expect(await remove(owner)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    expect(await api.database.authenticatorApp.count()).toBe(1);
  });

  it('is undone by the link in its mail, without a proof: the account has no second factor to lose', async () => {
    const { api, owner, app } = await start();
    await remove(owner);
    const token = tokenIn(await deliverMail(api), 'factors-changed');
    const undone = '... on UndoChangePayload { hasSecondFactor }';
    expect(await api.client().act('undoChange', { token }, undone)).toMatchObject({ hasSecondFactor: true });
    const client = api.client();
    nextCode(api);
    const { challenge } = await client.login(ada);
    expect(await completeLogin(client, challenge, { totpCode: app.code() })).toMatchObject({ viewer: { email: ada } });
  });

  it('is refused where the role needs a second factor', async () => {
    const { api, owner } = await start();
    await api.database.user.update({ where: { email: ada }, data: { role: 'admin' } });
    api.config.secondFactor = { ...api.config.secondFactor, requiredRoles: new Set(['admin']) };
    expect(await remove(owner)).toMatchObject({ code: 'LAST_FACTOR' });
    expect(await api.database.authenticatorApp.count()).toBe(1);
    expect(await deliverMail(api)).toEqual([]);
  });

  it('makes devices ask for the second factor again, and ends what has begun', async () => {
    const { api, owner, app } = await start();
    const other = api.client();
    const { challenge } = await other.login(ada);
    await completeLogin(other, challenge, { totpCode: app.code() }, true);
    nextCode(api);
    await startApp(api, owner);
    const pending = await api.client().login(ada);
    expect(pending.challenge).toBeDefined();
    expect(await remove(owner)).toMatchObject({ viewer: { email: ada } });
    expect(await api.database.challenge.count({ where: { usedAt: null } })).toBe(0);
    const skipping = { data: { contains: 'noSecondFactorUntil' } };
    expect(await api.database.userToken.count({ where: skipping })).toBe(0);
    await addApp(api, owner);
    expect(await other.login(ada)).toMatchObject({ __typename: 'SecondFactorRequired' });
  });

  it('does nothing in a session that has ended', async () => {
    const { api, owner } = await start();
    await api.database.session.updateMany({ data: { hashedSessionToken: null, expiresAt: api.clock.now } });
    expect((await owner.send('mutation { removeAuthenticatorApp { __typename } }')).code).toBe('UNAUTHENTICATED');
  });
});
