import { describe, expect, it } from 'vitest';
import { unlockUser } from '../../src/accounts/administration.ts';
import { commandScope } from '../../src/scope.ts';
import { type Client, startApi, type TestApi } from '../support/api.ts';
import { addApp, completeLogin, encryptionKeys } from '../support/second-factor.ts';

const email = 'ada@example.com';

/** A server whose administrators need a second factor, with one who has it. */
async function start() {
  const api = await startApi({ encryptionKeys });
  const root = await api.signUpAdmin('root@example.com');
  await addApp(api, root);
  api.config.secondFactor = { ...api.config.secondFactor, requiredRoles: new Set(['admin']) };
  const ada = await api.signUp(email);
  return { api, root, ada };
}

async function setRole({ database }: TestApi, root: Client, role: string) {
  const { id } = await database.user.findUniqueOrThrow({ where: { email } });
  const mutation = `mutation ($id: ID!, $role: String!) { setUserRole(id: $id, role: $role) {
    ... on UserPayload { revokedSessionIds user { role needsSecondFactor } } ... on UserError { code } } }`;
  return (await root.ask(mutation, { id: Buffer.from(`User:${id}`).toString('base64url'), role })).setUserRole;
}

const endsOf = ({ database }: TestApi) =>
  database.session.findMany({ where: { endReason: { not: null } }, select: { endReason: true } });

describe('a role that needs a second factor', () => {
  it('ends the sessions without one at once when an administrator grants it, and leads to enrolment', async () => {
    const { api, root, ada } = await start();
    expect(await setRole(api, root, 'editor')).toMatchObject({ revokedSessionIds: [] });
    const changed = await setRole(api, root, 'admin');
    expect(changed.user).toEqual({ role: 'admin', needsSecondFactor: true });
    expect(changed.revokedSessionIds).toHaveLength(1);
    expect(await endsOf(api)).toEqual([{ endReason: 'SECOND_FACTOR_REQUIRED' }]);
    const { lastSession } = await ada.ask('{ lastSession { endReason } }');
    expect(lastSession).toEqual({ endReason: 'SECOND_FACTOR_REQUIRED' });
    expect(await ada.login(email)).toMatchObject({ __typename: 'SecondFactorEnrolmentRequired' });
  });

  it('keeps the sessions with one', async () => {
    const { api, root, ada } = await start();
    const app = await addApp(api, ada);
    const other = api.client();
    const { challenge } = await other.login(email);
    await completeLogin(other, challenge, { totpCode: app.code() });
    expect(await setRole(api, root, 'admin')).toMatchObject({ revokedSessionIds: [] });
    expect((await ada.ask('{ viewer { role } }')).viewer).toEqual({ role: 'admin' });
  });

  it('ends the sessions of visitors and other users not', async () => {
    const { api, root } = await start();
    const bob = await api.signUp('bob@example.com');
    await setRole(api, root, 'admin');
    expect((await bob.ask('{ viewer { email } }')).viewer).toEqual({ email: 'bob@example.com' });
  });
});

describe('an operator who unlocks a user', () => {
  it('ends the cooldown of the second factor too', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    api.config.attempts = { ...api.config.attempts, perAccount: 1 };
    const stranger = api.client();
    const wrong = app.code() === '000000' ? '000001' : '000000';
    const { challenge } = await stranger.login(email);
    await completeLogin(stranger, challenge, { totpCode: wrong });
    const answer = () => completeLogin(stranger, challenge, { totpCode: app.code() });
    expect(await answer()).toMatchObject({ code: 'RATE_LIMITED' });
    const { id } = await api.database.user.findUniqueOrThrow({ where: { email } });
    await unlockUser(api.database, commandScope(api.clock.now), id);
    expect(await answer()).toMatchObject({ viewer: { email } });
  });
});
