import { describe, expect, it } from 'vitest';
import { resetFactorsNow } from '../../src/accounts/factors/reset.ts';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { maintain } from '../../src/maintenance/maintenance.ts';
import { commandScope } from '../../src/scope.ts';
import { signUpProved } from '../support/account-changes.ts';
import { type Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { addApp, completeLogin, encryptionKeys, nextCode } from '../support/second-factor.ts';

const ada = 'ada@example.com';
const hour = 3_600_000;

async function start(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  const owner = await signUpProved(api, ada);
  const admin = await api.signUpAdmin('root@example.com');
  const app = await addApp(api, owner);
  await deliverMail(api);
  const { id } = await api.database.user.findUniqueOrThrow({ where: { email: ada } });
  return { api, owner, admin, app, id: toNodeId('User', id), userId: id };
}

const request = async (client: Client, id: string): Promise<Data> =>
  (
    await client.ask(
      `mutation ($id: ID!) { resetUserFactors(id: $id, reason: LOST) { __typename
        ... on FactorResetPayload { user { factorReset { requestedAt takesEffectAt reason } } }
        ... on UserError { code } } }`,
      { id },
    )
  ).resetUserFactors;

/** Lets time pass, and then does the work of the maintenance. */
async function pass(api: TestApi, ms: number): Promise<void> {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
  await maintain(api.database, api.config, { now: () => api.clock.now, stop: () => {} });
}

const typesOf = async ({ database }: TestApi, like: string) =>
  (await database.auditEvent.findMany({ where: { type: { contains: like } }, orderBy: { id: 'asc' } })).map(
    ({ type, detail, actorId }) => ({ type, detail, hasActor: actorId !== null }),
  );

const isPending = async (client: Client) =>
  (await client.ask('{ viewer { factorReset { reason } } }')).viewer.factorReset;

describe('reset of the factors of a user', () => {
  it('takes effect after the delay, with two mails and events, and ends all sessions', async () => {
    const { api, owner, admin, id } = await start();
    const { user } = await request(admin, id);
    expect(user.factorReset.reason).toBe('LOST');
    expect(Date.parse(user.factorReset.takesEffectAt) - api.clock.now.getTime()).toBe(24 * hour);
    expect(await isPending(owner)).toEqual({ reason: 'LOST' });
    const [mail] = await deliverMail(api);
    expect(mail).toMatchObject({ name: 'factor-reset-requested', to: ada, token: expect.any(String) });
    await pass(api, 24 * hour - 1);
    expect(await api.database.authenticatorApp.count()).toBe(1);
    expect(await api.client().login(ada)).toMatchObject({ __typename: 'SecondFactorRequired' });
    await pass(api, 1);
    expect(await api.database.authenticatorApp.count()).toBe(0);
    expect(await api.database.challenge.count({ where: { usedAt: null } })).toBe(0);
    expect((await owner.ask('{ viewer { id } }')).viewer).toBeNull();
    expect(await api.client().login(ada)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await typesOf(api, 'RESET')).toEqual([
      { type: 'FACTOR_RESET_REQUESTED', detail: 'LOST', hasActor: true },
      { type: 'FACTORS_RESET', detail: null, hasActor: true },
    ]);
    const reset = (await deliverMail(api)).find(({ name }) => name === 'factors-reset');
    expect(reset?.to).toBe(ada);
    const undone = '... on UndoChangePayload { hasSecondFactor } ... on UserError { code }';
    expect(await api.client().act('undoChange', { token: reset?.token }, undone)).toMatchObject({
      hasSecondFactor: true,
    });
    expect(await api.database.authenticatorApp.count()).toBe(1);
  });

  it('is refused by the link in the mail, once', async () => {
    const { api, owner, admin, id } = await start();
    await request(admin, id);
    const token = tokenIn(await deliverMail(api), 'factor-reset-requested');
    const refused = '... on RefuseFactorResetPayload { email } ... on UserError { code }';
    expect(await api.client().act('refuseFactorReset', { token }, refused)).toMatchObject({ email: ada });
    expect(await api.client().act('refuseFactorReset', { token }, refused)).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(await isPending(owner)).toBeNull();
    await pass(api, 25 * hour);
    expect(await api.database.authenticatorApp.count()).toBe(1);
    expect((await typesOf(api, 'CANCELLED'))[0]).toEqual({
      type: 'FACTOR_RESET_CANCELLED',
      detail: 'REFUSED',
      hasActor: true,
    });
  });

  it('has a link that refuses no later reset, and none after it took effect', async () => {
    const { api, admin, id } = await start();
    await request(admin, id);
    const token = tokenIn(await deliverMail(api), 'factor-reset-requested');
    await admin.act('cancelFactorReset', { id });
    await request(admin, id);
    const refused = '... on UserError { code }';
    expect(await api.client().act('refuseFactorReset', { token }, refused)).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(await api.database.factorReset.count()).toBe(1);
    const later = tokenIn(await deliverMail(api), 'factor-reset-requested');
    await pass(api, 24 * hour);
    expect(await api.client().act('refuseFactorReset', { token: later }, refused)).toMatchObject({
      code: 'TOKEN_INVALID',
    });
  });

  it('is cancelled by a sign-in with the second factor, and not by one that skips it', async () => {
    const { api, admin, app, id } = await start();
    const other = api.client();
    const { challenge } = await other.login(ada);
    await completeLogin(other, challenge, { totpCode: app.code() }, true);
    await request(admin, id);
    expect(await other.login(ada)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await api.database.factorReset.count()).toBe(1);
    nextCode(api);
    const third = api.client();
    const pending = await third.login(ada);
    await completeLogin(third, pending.challenge, { totpCode: app.code() });
    expect(await api.database.factorReset.count()).toBe(0);
    expect((await typesOf(api, 'CANCELLED'))[0]?.detail).toBe('SIGNED_IN');
  });

  it('is cancelled by the user and by administrators, and not by others', async () => {
    const { api, owner, admin, id } = await start();
    const bob = await api.signUp('bob@example.com');
    await request(admin, id);
    const refused = '... on UserError { code }';
    expect(await bob.act('cancelFactorReset', { id }, refused)).toMatchObject({ code: 'USER_NOT_FOUND' });
    expect(await isPending(owner)).not.toBeNull();
    expect(await bob.ask(`{ node(id: "${id}") { id } }`)).toEqual({ node: null });
    await owner.act('cancelFactorReset');
    expect(await isPending(owner)).toBeNull();
    await request(admin, id);
    expect(await admin.act('cancelFactorReset', { id })).toMatchObject({ __typename: 'FactorResetPayload' });
    expect(await typesOf(api, 'CANCELLED')).toMatchObject([{ detail: 'CANCELLED' }, { detail: 'CANCELLED' }]);
  });

  it('does not happen if the administrator is none any more, or is suspended', async () => {
    for (const data of [{ role: 'user' }, { suspendedAt: new Date() }]) {
      const { api, admin, id } = await start();
      await request(admin, id);
      await api.database.user.update({ where: { email: 'root@example.com' }, data });
      await pass(api, 24 * hour);
      expect(await api.database.authenticatorApp.count()).toBe(1);
      expect(await typesOf(api, 'CANCELLED')).toMatchObject([{ detail: 'NO_ADMINISTRATOR', hasActor: false }]);
    }
  });

  it('is for administrators with a recent proof, and never for their own factors', async () => {
    const { api, owner, admin, id } = await start();
    const query = `mutation { resetUserFactors(id: "${id}", reason: LOST) { __typename ... on UserError { code } } }`;
    expect((await owner.send(query)).code).toBe('FORBIDDEN');
    const { viewer } = await admin.ask('{ viewer { id } }');
    const own = `mutation { resetUserFactors(id: "${viewer.id}", reason: LOST) { __typename } }`;
    expect(await admin.send(own)).toMatchObject({ code: 'FORBIDDEN' });
    api.clock.now = new Date(api.clock.now.getTime() + 16 * 60_000);
    expect(await request(admin, id)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    await admin.act('reauthenticate', { password });
    expect(await request(admin, id)).toMatchObject({ __typename: 'FactorResetPayload' });
    const first = await api.database.factorReset.findMany();
    await request(admin, id);
    expect(await api.database.factorReset.findMany()).toEqual(first);
    expect(await api.database.mail.count({ where: { template: 'factor-reset-requested' } })).toBe(1);
  });

  it('needs a second factor that can be reset', async () => {
    const { api, admin } = await start();
    await api.signUp('bob@example.com');
    const bob = await api.database.user.findUniqueOrThrow({ where: { email: 'bob@example.com' } });
    expect(await request(admin, toNodeId('User', bob.id))).toMatchObject({ code: 'FACTOR_NOT_FOUND' });
    expect(await request(admin, toNodeId('User', 999n))).toMatchObject({ code: 'USER_NOT_FOUND' });
  });

  it('happens at once for an operator who has verified the person', async () => {
    const { api, userId, owner } = await start();
    const scope = commandScope(api.clock.now);
    const { sessions } = await resetFactorsNow(api.database, scope, { id: userId, reason: 'STOLEN' });
    expect(sessions).toHaveLength(1);
    expect((await owner.ask('{ viewer { id } }')).viewer).toBeNull();
    expect(await typesOf(api, 'RESET')).toEqual([
      { type: 'FACTOR_RESET_REQUESTED', detail: 'STOLEN', hasActor: false },
      { type: 'FACTORS_RESET', detail: null, hasActor: false },
    ]);
  });

  it('is deleted with the user', async () => {
    const { api, admin, id } = await start();
    await request(admin, id);
    await admin.act('deleteUser', { id });
    expect(await api.database.factorReset.count()).toBe(0);
    await pass(api, 25 * hour);
    expect(api.reported).toEqual([]);
  });
});
