import { describe, expect, it } from 'vitest';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const email = 'ada@example.com';
const wrong = 'not the right password';
const name = 'failed-logins';
const hourMs = 3_600_000;

async function guess(client: Client, times: number, address = email): Promise<void> {
  for (let time = 0; time < times; time += 1) await client.login(address, 'BEARER', wrong);
}

function pass({ clock }: TestApi, milliseconds: number): void {
  clock.now = new Date(clock.now.getTime() + milliseconds);
}

async function namesOfMail(api: TestApi): Promise<string[]> {
  return (await deliverMail(api)).map((mail) => mail.name);
}

describe('mail about failed attempts', () => {
  it('is sent when a cooldown starts, with the number, the times and the last client, once a day', async () => {
    const api = await startApi();
    await api.signUp(email);
    await deliverMail(api);
    api.clock.now = new Date('2126-11-27T02:10:00Z');
    const stranger = Object.assign(api.client(), { address: '203.0.113.7' });
    await guess(stranger, 9);
    expect(await namesOfMail(api)).toEqual([]);
    pass(api, hourMs);
    await guess(stranger, 3);
    const [mail, ...others] = await deliverMail(api);
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ name, to: email, subject: 'Failed attempts to sign in to your account' });
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain('Failed attempts: 10');
      expect(part).toContain('First attempt: 2126-11-27 02:10 UTC');
      expect(part).toContain('Last attempt: 2126-11-27 03:10 UTC');
      expect(part).toContain('IP address of the last attempt: 203.0.113.7');
    }
    // Each of these starts a cooldown of its own.
    for (let time = 0; time < 3; time += 1) {
      pass(api, hourMs);
      await guess(stranger, 1);
    }
    expect(await namesOfMail(api)).toEqual([]);
    pass(api, 24 * hourMs);
    await guess(stranger, 1);
    const [next] = await deliverMail(api);
    expect(next?.text).toContain('Failed attempts: 14');
  });

  it('is sent for wrong passwords in a session, and with a link, too', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const token = tokenIn(await deliverMail(api), 'verify-email');
    for (let time = 0; time < 10; time += 1) await ada.act('reauthenticate', { password: wrong });
    const [mail, ...others] = await deliverMail(api);
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ name, subject: 'Wrong passwords in a session of your account' });
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain('Someone gave a wrong password for the account');
      expect(part).toContain('The last attempt came from a device that is signed in to your account');
    }
    pass(api, 24 * hourMs);
    for (let time = 0; time < 10; time += 1) await api.client().act('verifyEmail', { token, password: wrong });
    const [next] = await deliverMail(api);
    expect(next).toMatchObject({ name, subject: 'Failed attempts to sign in to your account' });
    expect(next?.text).not.toContain('signed in to your account');
  });

  it('is followed, after the right password on a new device, by a mail that counts the wrong ones', async () => {
    const api = await startApi();
    await api.signUp(email);
    await deliverMail(api);
    await guess(api.client(), 10);
    pass(api, hourMs);
    await api.client().login(email, 'BEARER', password);
    const mails = await deliverMail(api);
    expect(mails.map((mail) => mail.name).sort()).toEqual([name, 'new-device']);
    expect(mails.find((mail) => mail.name === 'new-device')?.text).toContain('since the previous sign-in: 10');
  });

  it('does the same statements for an address without an account, and sends nothing', async () => {
    const api = await startApi();
    await api.signUp(email);
    await deliverMail(api);
    const made: string[][] = [];
    for (const address of [email, 'nobody@example.com']) {
      await guess(api.client(), 9, address);
      const before = api.statements.length;
      await guess(api.client(), 1, address);
      made.push(api.statements.slice(before));
    }
    expect(made[0]).toEqual(made[1]);
    expect(made[0]?.join()).toContain('INTO "Mail"');
    expect(await api.database.mail.count()).toBe(2);
    expect(await deliverMail(api)).toMatchObject([{ name, to: email }]);
    expect(await api.database.mail.count()).toBe(0);
  });

  it('has one limit for an account, whatever the case of the address, and not that of a similar one', async () => {
    const api = await startApi();
    await api.signUp('kay@example.com');
    await deliverMail(api);
    // The Kelvin sign, which becomes a k in lower case.
    await guess(api.client(), 10, '\u212Aay@example.com');
    await guess(api.client(), 10, 'KAY@example.com');
    expect(await deliverMail(api)).toMatchObject([{ name, to: 'kay@example.com' }]);
  });
});
