import { describe, expect, it } from 'vitest';
import {
  email,
  mailedSignIn,
  minuteMs,
  pass,
  requestSignIn,
  signInByCode,
  startByEmail,
} from '../support/email-sign-in.ts';
import { deliverMail } from '../support/mail.ts';

describe('a request for a sign-in by email', () => {
  it('does the same statements for every address', async () => {
    const { api } = await startByEmail();
    await api.signUp('eve@example.com');
    await api.database.user.update({ where: { email: 'eve@example.com' }, data: { suspendedAt: api.clock.now } });
    for (let n = 0; n < 5; n += 1) await requestSignIn(api.client(), 'bob@example.com');
    await deliverMail(api);
    const made: { requests: string[][]; wrong: string[][]; results: unknown[] } = {
      requests: [],
      wrong: [],
      results: [],
    };
    for (const address of [email, 'nobody@example.com', 'eve@example.com', 'bob@example.com']) {
      const client = api.client();
      let before = api.statements.length;
      const { challenge, ...result } = await requestSignIn(client, address);
      made.requests.push(api.statements.slice(before));
      await deliverMail(api);
      before = api.statements.length;
      const refusal = await signInByCode(client, { challenge, code: '' });
      made.wrong.push(api.statements.slice(before));
      made.results.push({ ...result, email: '', refusal });
    }
    expect(made.requests[0]?.join()).toContain('INTO "Mail"');
    expect(made.wrong[0]?.join()).toMatch(/UPDATE \S*Challenge\S* SET \S*failures/);
    for (const statements of made.requests) expect(statements).toEqual(made.requests[0]);
    for (const statements of made.wrong) expect(statements).toEqual(made.wrong[0]);
    for (const result of made.results) expect(result).toEqual(made.results[0]);
  });

  it('mails nobody without an account, no suspended user, and nobody more than five times an hour', async () => {
    const { api } = await startByEmail();
    await requestSignIn(api.client(), 'nobody@example.com');
    expect(await deliverMail(api)).toEqual([]);
    await api.database.user.update({ where: { email }, data: { suspendedAt: api.clock.now } });
    await requestSignIn(api.client());
    expect(await deliverMail(api)).toEqual([]);
    await api.database.user.update({ where: { email }, data: { suspendedAt: null } });
    for (let n = 0; n < 6; n += 1) await requestSignIn(api.client(), n === 0 ? 'ADA@example.com' : email);
    expect(await deliverMail(api)).toHaveLength(4);
    expect(await api.database.mail.count()).toBe(0);
    expect(await api.database.challenge.count()).toBe(8);
    pass(api, 60 * minuteMs);
    await requestSignIn(api.client());
    expect(await deliverMail(api)).toHaveLength(1);
  });

  it('has a limit of its own on a trusted device, which strangers do not use up', async () => {
    const { api, ada } = await startByEmail();
    for (let n = 0; n < 6; n += 1) await requestSignIn(api.client());
    expect(await deliverMail(api)).toHaveLength(5);
    expect(await signInByCode(ada, await mailedSignIn(api, ada))).toMatchObject({ viewer: { email } });
  });

  it('is limited for an IP address', async () => {
    const { api } = await startByEmail({ attempts: { perAddress: 2 } });
    const client = Object.assign(api.client(), { address: '203.0.113.7' });
    for (const address of [email, 'nobody@example.com']) await requestSignIn(client, address);
    const refused = await client.send(`mutation { requestEmailSignIn(email: "${email}") { email } }`);
    expect(refused).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    expect(await api.database.challenge.count()).toBe(2);
  });
});
