import { describe, expect, it } from 'vitest';
import { password } from '../support/api.ts';
import {
  email,
  eventsOf,
  isSignedIn,
  mailedSignIn,
  minuteMs,
  namesOf,
  pass,
  requestSignIn,
  signInByCode,
  signInByLink,
  signInMail,
  startByEmail,
  wrongCode,
} from '../support/email-sign-in.ts';
import { deliverMail } from '../support/mail.ts';

describe('sign-in by email', () => {
  it('starts a session by the code, on the device that asked for it', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge, email: mailed, expiresAt } = await requestSignIn(client, 'ADA@example.com');
    expect(mailed).toBe(email);
    expect(new Date(expiresAt).getTime()).toBe(api.clock.now.getTime() + 10 * minuteMs);
    expect(await isSignedIn(client)).toBe(false);
    const { code } = await signInMail(api);
    const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
    expect(await signInByCode(client, { challenge, code: spaced })).toMatchObject({ viewer: { email }, token: null });
    expect(await isSignedIn(client)).toBe(true);
    const session = await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
    expect(session).toMatchObject({ authenticationMethods: 'email', transport: 'COOKIE', lifetimeEndsAt: null });
    expect((await eventsOf(api)).at(-1)).toBe('LOGGED_IN');
  });

  it('starts a session by the link, on any device', async () => {
    const { api } = await startByEmail();
    const { token } = await mailedSignIn(api, api.client());
    const phone = api.client();
    expect(await signInByLink(phone, token, 'BEARER')).toMatchObject({ viewer: { email }, token: expect.any(String) });
    expect(await isSignedIn(phone)).toBe(true);
  });

  it('keeps the transport of the request, and the choice not to be remembered', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge } = await requestSignIn(client, email, 'BEARER');
    const { code } = await signInMail(api);
    expect(await signInByCode(client, { challenge, code }, false)).toMatchObject({ token: expect.any(String) });
    const session = await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
    expect(session).toMatchObject({ transport: 'BEARER', lifetimeEndsAt: expect.any(Date) });
  });

  it('mails the time, the device and the address of the request, in text and HTML', async () => {
    const { api } = await startByEmail();
    api.clock.now = new Date('2126-11-27T02:10:59.999Z');
    const client = Object.assign(api.client(), { address: '203.0.113.7' });
    const chrome = 'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';
    await client.send(`mutation { requestEmailSignIn(email: "${email}") { email } }`, {}, { 'user-agent': chrome });
    expect(await api.database.mail.findMany()).toMatchObject([{ template: 'sign-in', priority: 0 }]);
    const mail = await signInMail(api);
    expect(mail).toMatchObject({ name: 'sign-in', to: email, subject: 'Sign in to your account' });
    for (const part of [mail.text, mail.html]) {
      expect(part).toContain('Time: 2126-11-27 02:10 UTC');
      expect(part).toContain('Device: Chrome on Windows');
      expect(part).toContain('IP address: 203.0.113.7');
      expect(part).toContain('for 10 minutes');
      expect(part).toContain('Do not give the code or the link to anybody');
      expect(part).toContain(mail.code);
      expect(part).toContain(`/sign-in#token=${mail.token}`);
      expect(part).not.toContain('stops');
    }
    // A lock screen shows subjects.
    expect(mail.subject).not.toContain(mail.code);
  });

  it('is not done by a program that opens the link', async () => {
    const { api } = await startByEmail();
    const { token } = await mailedSignIn(api, api.client());
    const page = new URL('/sign-in', api.config.publicUrl);
    for (const method of ['GET', 'HEAD']) {
      expect((await api.app.fetch(new Request(page, { method }), null)).status).toBe(404);
    }
    const client = api.client();
    const query = `mutation { signInWithEmailLink(token: "${token}") { __typename } }`;
    const opened = await client.request({ method: 'GET', headers: {} }, `?query=${encodeURIComponent(query)}`);
    expect(opened.status).toBe(405);
    expect(await signInByLink(client, token)).toMatchObject({ viewer: { email } });
  });

  it('is refused on a server that does not allow it', async () => {
    const { api } = await startByEmail({ emailSignIn: null });
    const operations = [
      `requestEmailSignIn(email: "${email}") { email }`,
      'signInWithEmailCode(challenge: "a", code: "b") { __typename }',
      'signInWithEmailLink(token: "a") { __typename }',
    ];
    for (const operation of operations) {
      expect((await api.client().send(`mutation { ${operation} }`)).code).toBe('EMAIL_SIGN_IN_DISABLED');
    }
    expect(await api.database.challenge.count()).toBe(0);
  });
});

describe('the code', () => {
  it('accepts five tries, and the link still works then', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge, code, token } = await mailedSignIn(api, client);
    for (const wrong of [wrongCode(code), '', 'a'.repeat(10_000), '１２３４５６', wrongCode(code)]) {
      expect(await signInByCode(client, { challenge, code: wrong })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    expect(await signInByCode(client, { challenge, code })).toMatchObject({
      code: 'CHALLENGE_INVALID',
      reason: 'TOO_MANY_FAILURES',
    });
    expect(await isSignedIn(client)).toBe(false);
    expect((await eventsOf(api)).filter((type) => type === 'LOGIN_FAILED')).toHaveLength(5);
    expect(await signInByLink(client, token)).toMatchObject({ viewer: { email } });
  });

  it('gets no more than five tries at once', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge, code } = await mailedSignIn(api, client);
    const results = await Promise.all(
      Array.from({ length: 8 }, () => signInByCode(client, { challenge, code: wrongCode(code) })),
    );
    expect(namesOf(results).filter((name) => name === 'INVALID_CREDENTIALS')).toHaveLength(5);
  });

  it('works on the requesting device only', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge, code } = await mailedSignIn(api, client);
    const refused = { code: 'CHALLENGE_INVALID', reason: 'OTHER_DEVICE' };
    expect(await signInByCode(api.client(), { challenge, code })).toMatchObject(refused);
    // Another device of the user, which is trusted.
    const trusted = api.client();
    await trusted.login(email);
    expect(await signInByCode(trusted, { challenge, code })).toMatchObject(refused);
    expect(await signInByCode(client, { challenge, code })).toMatchObject({ viewer: { email } });
  });

  it('answers only the challenge that it was mailed for', async () => {
    const { api } = await startByEmail();
    const [one, other] = [api.client(), api.client()];
    const first = await mailedSignIn(api, one);
    const second = await mailedSignIn(api, other);
    const mixed = { challenge: second.challenge, code: first.code };
    // Two codes are equal once in a million times.
    if (first.code !== second.code) {
      expect(await signInByCode(other, mixed)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    expect(await signInByCode(one, first)).toMatchObject({ viewer: { email } });
  });

  it('signs in one of eight requests at once', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge, code } = await mailedSignIn(api, client);
    const results = await Promise.all(Array.from({ length: 8 }, () => signInByCode(client, { challenge, code })));
    expect(namesOf(results).sort()).toEqual([...Array(7).fill('CHALLENGE_INVALID'), 'SignInPayload']);
    expect(await signInByCode(client, { challenge, code })).toMatchObject({ reason: 'USED' });
  });

  it('is limited for an account over many challenges, but not on a trusted device, and not the link', async () => {
    const { api, ada } = await startByEmail({ attempts: { perAccount: 3 } });
    const results: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const stranger = api.client();
      const { challenge } = await requestSignIn(stranger);
      results.push((await signInByCode(stranger, { challenge, code: '' })).code);
    }
    expect(results).toEqual([...Array(3).fill('INVALID_CREDENTIALS'), ...Array(2).fill('RATE_LIMITED')]);
    await deliverMail(api);
    const { challenge, code, token } = await mailedSignIn(api, ada);
    expect(await signInByCode(api.client(), { challenge, code })).toMatchObject({ reason: 'OTHER_DEVICE' });
    expect(await signInByCode(ada, { challenge, code })).toMatchObject({ viewer: { email } });
    expect(await signInByLink(ada, token)).toMatchObject({ code: 'TOKEN_INVALID' });
    // The sign-in made the server forget the failures.
    pass(api, 60 * minuteMs);
    const other = api.client();
    const wrong = { ...(await mailedSignIn(api, other)), code: '' };
    expect(await signInByCode(other, wrong)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });
});

describe('the code and the link', () => {
  it('expire ten minutes after the request', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge, code, token } = await mailedSignIn(api, client);
    pass(api, 10 * minuteMs);
    expect(await signInByCode(client, { challenge, code })).toMatchObject({ reason: 'EXPIRED' });
    expect(await signInByLink(client, token)).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('are not mailed any more when they have expired', async () => {
    const { api } = await startByEmail();
    await requestSignIn(api.client());
    pass(api, 10 * minuteMs);
    expect(await deliverMail(api)).toEqual([]);
    expect(await api.database.mail.count()).toBe(0);
  });

  it('void each other, and work once', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const one = await mailedSignIn(api, client);
    expect(await signInByCode(client, one)).toMatchObject({ viewer: { email } });
    expect(await signInByLink(api.client(), one.token)).toMatchObject({ code: 'TOKEN_INVALID' });
    const other = await mailedSignIn(api, client);
    expect(await signInByLink(api.client(), other.token)).toMatchObject({ viewer: { email } });
    expect(await api.database.userToken.count({ where: { handle: other.token.split('.')[0] ?? '' } })).toBe(0);
    expect(await signInByLink(api.client(), other.token)).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(await signInByCode(client, other)).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'USED' });
  });

  it('start one session, if both are used at once', async () => {
    const { api } = await startByEmail();
    const client = api.client();
    const { challenge, code, token } = await mailedSignIn(api, client);
    const results = await Promise.all(
      Array.from({ length: 4 }, () => [
        signInByCode(client, { challenge, code }),
        signInByLink(api.client(), token),
      ]).flat(),
    );
    expect(namesOf(results).filter((name) => name === 'SignInPayload')).toHaveLength(1);
  });

  it('are stored neither in the outbox nor in clear', async () => {
    const { api } = await startByEmail();
    await requestSignIn(api.client());
    const [waiting] = await api.database.mail.findMany();
    expect(Object.keys(JSON.parse(waiting?.data ?? ''))).toEqual([
      'time',
      'device',
      'ipAddress',
      'isUnproved',
      'challenge',
    ]);
    const { code, token } = await signInMail(api);
    const rows = [await api.database.challenge.findMany(), await api.database.userToken.findMany()];
    const text = JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? '' : value));
    expect(text).not.toContain(code);
    expect(text).not.toContain(token.split('.')[1]);
    expect(text).toContain('A256GCM.');
  });

  it('end when the password or the address changes', async () => {
    const { api } = await startByEmail();
    const changes = [{ hashedPassword: null }, { email: 'ada@example.org' }];
    for (const data of changes) {
      const client = api.client();
      const { challenge, code, token } = await mailedSignIn(api, client);
      await api.database.user.update({ where: { email }, data });
      expect(await signInByCode(client, { challenge, code })).toMatchObject({ reason: 'EXPIRED' });
      expect(await signInByLink(client, token)).toMatchObject({ code: 'TOKEN_INVALID' });
    }
    // A waiting mail does not go to the old address.
    await api.database.user.updateMany({ data: { email } });
    await requestSignIn(api.client());
    await api.database.user.updateMany({ data: { email: 'ada@example.org' } });
    expect(await deliverMail(api)).toEqual([]);
  });

  it('open no account that was suspended or deleted since', async () => {
    const { api, ada } = await startByEmail();
    const client = api.client();
    const one = await mailedSignIn(api, client);
    const other = await mailedSignIn(api, client);
    await api.database.user.update({ where: { email }, data: { suspendedAt: api.clock.now } });
    expect(await signInByCode(client, one)).toMatchObject({ code: 'ACCOUNT_SUSPENDED' });
    expect(await signInByLink(client, one.token)).toMatchObject({ code: 'ACCOUNT_SUSPENDED' });
    await api.database.user.update({ where: { email }, data: { suspendedAt: null } });
    expect(await ada.act('deleteAccount', { password })).toMatchObject({ __typename: 'DeleteUserPayload' });
    expect(await signInByCode(client, other)).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'UNKNOWN' });
    expect(await signInByLink(client, other.token)).toMatchObject({ code: 'TOKEN_INVALID' });
  });
});
