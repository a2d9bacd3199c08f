import { describe, expect, it } from 'vitest';
import { changeEmail } from '../support/account-changes.ts';
import { type Client, type Data, type Settings, startApi } from '../support/api.ts';
import { byEmail, mailedSignIn, signInByCode } from '../support/email-sign-in.ts';
import { deliverMail } from '../support/mail.ts';
import { addPasskey, authenticatorOf } from '../support/passkeys.ts';
import { addApp, completeLogin, confirmApp, encryptionKeys, startApp } from '../support/second-factor.ts';

const email = 'ada@example.com';
const hourMs = 3_600_000;
const patient = { perAccount: 50, perAddress: 1_000_000 };

async function start(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  const ada = await api.signUp(email);
  const app = await addApp(api, ada);
  const wrong = () => (app.code() === '000000' ? '000001' : '000000');
  await deliverMail(api);
  return { api, ada, app, wrong };
}

async function startReauthentication(client: Client): Promise<string> {
  const query = `mutation { startPasskeyReauthentication { ... on PasskeyChallenge { challenge } } }`;
  return (await client.ask(query)).startPasskeyReauthentication.challenge;
}

async function reauthenticate(client: Client, variables: Data): Promise<Data> {
  const query = `mutation ($answer: FactorAnswer!, $challenge: String) {
    reauthenticate(answer: $answer, challenge: $challenge) { __typename ... on UserError { code } } }`;
  return (await client.ask(query, variables)).reauthenticate;
}

describe('wrong second factors', () => {
  it('use up the challenge after ten, also at once, and tell the reason', async () => {
    const { api, app, wrong } = await start({ attempts: patient });
    const thief = api.client();
    const { challenge } = await thief.login(email);
    const guess = () => completeLogin(thief, challenge, { totpCode: wrong() });
    const results = await Promise.all(Array.from({ length: 14 }, guess));
    expect(results.filter(({ code }) => code === 'INVALID_CREDENTIALS')).toHaveLength(10);
    expect(results.filter(({ reason }) => reason === 'TOO_MANY_FAILURES')).toHaveLength(4);
    const late = await completeLogin(thief, challenge, { totpCode: app.code() });
    expect(late).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'TOO_MANY_FAILURES' });
  });

  it('use up the challenge of a new app too', async () => {
    const { api, ada, wrong } = await start({ attempts: patient });
    const { challenge, app } = await startApp(api, ada);
    for (let time = 0; time < 10; time += 1) {
      expect(await confirmApp(ada, { challenge, code: wrong() })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    expect(await confirmApp(ada, { challenge, code: app.code() })).toMatchObject({ code: 'CHALLENGE_INVALID' });
  });

  it('cause a mail that somebody has the password when a cooldown starts, once a day', async () => {
    const { api, wrong } = await start({ attempts: { perAccount: 3 } });
    const thief = Object.assign(api.client(), { address: '203.0.113.7' });
    const guess = async () => {
      const { challenge } = await thief.login(email);
      return completeLogin(thief, challenge, { totpCode: wrong() });
    };
    await guess();
    await guess();
    expect(await deliverMail(api)).toEqual([]);
    await guess();
    const [mail, ...others] = await deliverMail(api);
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ name: 'second-factor-failures', to: email, subject: 'Somebody has your password' });
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain('Wrong answers: 3');
      expect(part).toContain('203.0.113.7');
    }
    api.clock.now = new Date(api.clock.now.getTime() + hourMs);
    await guess();
    expect(await deliverMail(api)).toEqual([]);
  });

  it.each([
    { answer: { totpCode: 'wrong' }, kind: 'a code of an authenticator app' },
    { answer: { recoveryCode: 'AAAAA-AAAAA-AAAAA-AAAAA-AAAAA' }, kind: 'a recovery code' },
    { answer: { passkey: { response: { id: 'none' } } }, kind: 'a passkey' },
  ])('in a session cause a mail that names what was wrong: $kind', async ({ answer, kind }) => {
    const { api, ada, wrong } = await start({ attempts: { perAccount: 3 } });
    await addPasskey(ada, authenticatorOf(api));
    await deliverMail(api);
    for (let time = 0; time < 3; time += 1) {
      const challenge = 'passkey' in answer ? await startReauthentication(ada) : null;
      const proof = 'totpCode' in answer ? { totpCode: wrong() } : answer;
      const { code } = await reauthenticate(ada, { answer: proof, challenge });
      expect(code).toBe('passkey' in answer ? 'PASSKEY_REJECTED' : 'INVALID_CREDENTIALS');
    }
    const [mail, ...others] = await deliverMail(api);
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ name: 'second-factor-failures', subject: 'Wrong proofs of your identity' });
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain('Someone on a device that is signed in to the account');
      expect(part).toContain(`Kind of the last one: ${kind}`);
      expect(part).toContain('Sign the device out');
      expect(part).not.toMatch(/wrong password|has your password|knows your password|reads your mail/);
    }
  });

  it('after a code from a mail cause a mail that somebody reads the mail', async () => {
    const { api, wrong } = await start({ ...byEmail, attempts: { perAccount: 3 } });
    await api.database.user.updateMany({ data: { emailVerifiedAt: api.clock.now } });
    for (let time = 0; time < 3; time += 1) {
      const thief = api.client();
      const { challenge } = await signInByCode(thief, await mailedSignIn(api, thief, email));
      expect(await completeLogin(thief, challenge, { totpCode: wrong() })).toMatchObject({
        code: 'INVALID_CREDENTIALS',
      });
    }
    const [mail] = await deliverMail(api);
    expect(mail).toMatchObject({ name: 'second-factor-failures', subject: 'Somebody reads your mail' });
    expect(mail?.text).toContain('Someone used a link or a code from a mail for the account');
  });

  it('are in the history, after the right password from an unknown device', async () => {
    const { api, ada, wrong } = await start();
    const thief = Object.assign(api.client(), { address: '203.0.113.7' });
    const { challenge } = await thief.login(email);
    await completeLogin(thief, challenge, { totpCode: wrong() });
    const { viewer } = await ada.ask('{ viewer { auditEvents(first: 2) { nodes { type ipAddress } } } }');
    expect(viewer.auditEvents.nodes).toEqual([
      { type: 'SECOND_FACTOR_FAILED', ipAddress: '203.0.113.7' },
      { type: 'SECOND_FACTOR_REQUESTED', ipAddress: '203.0.113.7' },
    ]);
  });

  it('for a method that the account does not have are refused alike, by as many statements', async () => {
    const { api, wrong } = await start({ attempts: patient });
    const answer = async () => {
      const client = api.client();
      const { challenge } = await client.login(email);
      api.statements.length = 0;
      const result = await completeLogin(client, challenge, { totpCode: wrong() });
      return { result, statements: [...api.statements] };
    };
    const withApp = await answer();
    await api.database.authenticatorApp.deleteMany();
    expect(await answer()).toEqual(withApp);
    expect(withApp.result).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  it('stay counted when the account gets another address, and do not count for the next account with it', async () => {
    const { api, ada, wrong } = await start({ attempts: { perAccount: 3 } });
    const guess = async () => (await reauthenticate(ada, { answer: { totpCode: wrong() } })).code;
    for (let time = 0; time < 3; time += 1) expect(await guess()).toBe('INVALID_CREDENTIALS');
    await changeEmail(api, ada, 'other@example.com');
    expect(await guess()).toBe('RATE_LIMITED');
    const next = await api.signUp(email);
    await addApp(api, next);
    expect((await reauthenticate(next, { answer: { totpCode: 'wrong' } })).code).toBe('INVALID_CREDENTIALS');
  });

  it('are limited like passwords for an address, over all accounts', async () => {
    const { api, wrong } = await start({ attempts: { perAccount: 50, perAddress: 4 } });
    await addApp(api, await api.signUp('bob@example.com'));
    const codes: string[] = [];
    for (let time = 0; time < 6; time += 1) {
      const thief = Object.assign(api.client(), { address: '203.0.113.7' });
      const { challenge } = await thief.login(time % 2 === 0 ? email : 'bob@example.com');
      if (challenge === undefined) codes.push('LOGIN_REFUSED');
      else codes.push((await completeLogin(thief, challenge, { totpCode: wrong() })).code);
    }
    expect(codes.slice(0, 4)).toEqual(Array(4).fill('INVALID_CREDENTIALS'));
    expect(codes.slice(4)).toEqual(Array(2).fill('LOGIN_REFUSED'));
  });
});

describe('before the first factor is proved', () => {
  it('no answer and no statement tells which factors an account has, or whether there is one', async () => {
    const api = await startApi({ ...byEmail, attempts: patient });
    const names = ['password', 'app', 'passkey', 'passkey-only', 'unknown'];
    for (const name of names.slice(0, -1)) await api.signUp(`${name}@example.com`);
    const clientOf = async (name: string) => {
      const client = api.client();
      await client.login(`${name}@example.com`);
      return client;
    };
    await addApp(api, await clientOf('app'));
    for (const name of ['passkey', 'passkey-only']) await addPasskey(await clientOf(name), authenticatorOf(api));
    await api.database.user.update({
      where: { email: 'passkey-only@example.com' },
      data: { hashedPassword: null, secondFactorSince: api.clock.now },
    });
    const ask = async (query: string) => {
      api.statements.length = 0;
      const { data, errors = null } = await api.client().send(query);
      return { data, errors, statements: [...api.statements] };
    };
    const trials = [
      (email: string) => `mutation { login(email: "${email}", password: "not the password") {
        __typename ... on UserError { code message } } }`,
      (email: string) => `mutation { requestPasswordReset(email: "${email}") { __typename } }`,
      (email: string) => `mutation { requestEmailSignIn(email: "${email}") { __typename expiresAt } }`,
    ];
    for (const trial of trials) {
      const [first, ...others] = await inTurn(names, (name) => ask(trial(`${name}@example.com`)));
      expect(first?.statements.length).toBeGreaterThan(0);
      for (const other of others) expect(other).toEqual(first);
    }
  });
});

async function inTurn<T>(names: string[], act: (name: string) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const name of names) results.push(await act(name));
  return results;
}

describe('a login without a second factor', () => {
  it('reads and writes nothing for second factors', async () => {
    const api = await startApi({ encryptionKeys, secondFactor: { requiredRoles: new Set(['admin']) } });
    await api.signUp(email);
    api.statements.length = 0;
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
    expect(api.statements.filter((sql) => /Challenge|AuthenticatorApp|RecoveryCode/.test(sql))).toEqual([]);
  });
});
