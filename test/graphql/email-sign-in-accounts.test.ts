import { describe, expect, it } from 'vitest';
import {
  email,
  eventsOf,
  isSignedIn,
  mailedSignIn,
  namesOf,
  pass,
  requestSignIn,
  signInByCode,
  signInByLink,
  signInMail,
  startByEmail,
} from '../support/email-sign-in.ts';
import { deliverMail } from '../support/mail.ts';
import { addApp, completeLogin, confirmApp, startApp } from '../support/second-factor.ts';

describe('a second factor', () => {
  it('is asked for after the email, which is none', async () => {
    const { api, ada } = await startByEmail();
    const app = await addApp(api, ada);
    for (const by of ['code', 'link']) {
      const client = api.client();
      const mailed = await mailedSignIn(api, client);
      const result = by === 'code' ? await signInByCode(client, mailed) : await signInByLink(client, mailed.token);
      expect(result).toMatchObject({ __typename: 'SecondFactorRequired', methods: ['TOTP', 'RECOVERY_CODE'] });
      expect(await isSignedIn(client)).toBe(false);
      // Another mail does not complete it.
      expect(await signInByCode(client, await mailedSignIn(api, client))).toMatchObject({
        __typename: 'SecondFactorRequired',
      });
      pass(api, 30_000);
      const done = await completeLogin(client, result.challenge, { totpCode: app.code() });
      expect(done).toMatchObject({ viewer: { email } });
      const session = await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
      expect(session.authenticationMethods).toBe('email totp');
      // The mail that warns of a stranger with the password would be wrong.
      expect(await deliverMail(api)).toEqual([]);
    }
  });

  it('is added as a part of the sign-in, where the role needs one', async () => {
    const { api } = await startByEmail({ secondFactor: { requiredRoles: new Set(['admin']) } });
    await api.database.user.update({ where: { email }, data: { role: 'admin', emailVerifiedAt: null } });
    const client = api.client();
    const required = await signInByCode(client, await mailedSignIn(api, client));
    expect(required).toMatchObject({ __typename: 'SecondFactorEnrolmentRequired' });
    const { challenge, app } = await startApp(api, client, required.challenge);
    const confirmed = await confirmApp(client, { challenge, code: app.code(), signIn: required.challenge });
    expect(confirmed).toMatchObject({ viewer: { email } });
    const user = await api.database.user.findUniqueOrThrow({ where: { email } });
    expect(user).toMatchObject({ emailVerifiedAt: expect.any(Date), hashedPassword: null });
  });
});

describe('an account whose address nobody has proved', () => {
  it('loses the password, the sessions and the trusted devices of a stranger who created it', async () => {
    const { api, ada: stranger } = await startByEmail();
    await api.database.user.update({ where: { email }, data: { emailVerifiedAt: null } });
    const owner = api.client();
    const { challenge } = await requestSignIn(owner);
    const mail = await signInMail(api);
    for (const part of [mail.text, mail.html])
      expect(part).toContain('recovery codes that were set up for it stop working');
    expect(await signInByCode(owner, { challenge, code: mail.code })).toMatchObject({ viewer: { email } });
    expect(await isSignedIn(owner)).toBe(true);
    expect(await isSignedIn(stranger)).toBe(false);
    expect(await stranger.login(email)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await api.client().login(email)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    const user = await api.database.user.findUniqueOrThrow({ where: { email } });
    expect(user).toMatchObject({ emailVerifiedAt: expect.any(Date), hashedPassword: null });
    expect(await api.database.userToken.count({ where: { purpose: 'KNOWN_DEVICE' } })).toBe(1);
    const events = await eventsOf(api);
    expect(events).toContain('PASSWORD_REMOVED');
    expect(events).toContain('EMAIL_VERIFIED');
    const ended = await api.database.session.findMany({ where: { hashedSessionToken: null } });
    expect(ended.map(({ endReason }) => endReason)).toEqual(['PASSWORD_CHANGED']);
  });

  it('trusts the device of the sign-in anew, also one that was trusted', async () => {
    const { api, ada } = await startByEmail();
    await api.database.user.update({ where: { email }, data: { emailVerifiedAt: null } });
    const find = () => api.database.userToken.findMany({ where: { purpose: 'KNOWN_DEVICE' } });
    const [before] = await find();
    expect(await signInByCode(ada, await mailedSignIn(api, ada))).toMatchObject({ viewer: { email } });
    const after = await find();
    expect(after).toHaveLength(1);
    expect(after[0]?.id).not.toBe(before?.id);
    expect(await isSignedIn(ada)).toBe(true);
  });
});

describe('sign-up by email', () => {
  const signUp = { emailSignIn: { createsAccounts: true } };
  const address = 'new@example.com';

  it('creates an account without a password, by the code or the link', async () => {
    for (const by of ['code', 'link']) {
      const { api } = await startByEmail(signUp);
      const client = api.client();
      const { challenge } = await requestSignIn(client, address);
      const mail = await signInMail(api);
      expect(mail).toMatchObject({ name: 'sign-up-by-email', to: address, subject: 'Your new account' });
      for (const part of [mail.text, mail.html]) {
        expect(part).toContain(mail.code);
        expect(part).toContain(`/sign-in#token=${mail.token}`);
      }
      expect(await api.database.user.count()).toBe(1);
      const answer = { challenge, code: mail.code };
      const result = by === 'code' ? await signInByCode(client, answer) : await signInByLink(client, mail.token);
      expect(result).toMatchObject({ viewer: { email: address } });
      expect(await isSignedIn(client)).toBe(true);
      const user = await api.database.user.findUniqueOrThrow({ where: { email: address } });
      expect(user).toMatchObject({ hashedPassword: null, emailVerifiedAt: expect.any(Date), role: 'user' });
      expect((await eventsOf(api)).slice(-2).sort()).toEqual(['EMAIL_VERIFIED', 'SIGNED_UP']);
      expect(await signInByLink(client, mail.token)).toMatchObject({ code: 'TOKEN_INVALID' });
      // The next mail signs in.
      const other = api.client();
      expect(await signInByCode(other, await mailedSignIn(api, other, address))).toMatchObject({
        viewer: { email: address },
      });
    }
  });

  it('does the same statements as for a known address', async () => {
    const { api } = await startByEmail(signUp);
    const made: string[][] = [];
    for (const one of [email, address]) {
      const before = api.statements.length;
      await requestSignIn(api.client(), one);
      made.push(api.statements.slice(before));
    }
    expect(made[0]).toEqual(made[1]);
  });

  it('creates one account by two mails at once, and none for an address that has got one', async () => {
    const { api } = await startByEmail(signUp);
    const clients = [api.client(), api.client()];
    const mailed = [];
    for (const client of clients) mailed.push({ client, ...(await mailedSignIn(api, client, address)) });
    const results = await Promise.all(mailed.map(({ client, ...answer }) => signInByCode(client, answer)));
    expect(namesOf(results).sort()).toEqual(['CHALLENGE_INVALID', 'SignInPayload']);
    const late = api.client();
    const other = await mailedSignIn(api, late, 'late@example.com');
    await api.signUp('late@example.com');
    expect(await signInByCode(late, other)).toMatchObject({ reason: 'EXPIRED' });
    expect(await signInByLink(late, other.token)).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('is limited for an IP address like every sign-up', async () => {
    const { api } = await startByEmail({ ...signUp, attempts: { signUpsPerAddress: 1 } });
    const sign = async (one: string) => {
      const client = Object.assign(api.client(), { address: '203.0.113.7' });
      return signInByCode(client, await mailedSignIn(api, client, one));
    };
    expect(await sign(address)).toMatchObject({ viewer: { email: address } });
    expect(await sign('another@example.com')).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await api.database.user.count()).toBe(2);
  });

  it('does not happen on a server without it', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge } = await requestSignIn(client, address);
    expect(await deliverMail(api)).toEqual([]);
    expect(await signInByCode(client, { challenge, code: '000000' })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await api.database.user.count()).toBe(1);
  });
});
