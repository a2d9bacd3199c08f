import { describe, expect, it } from 'vitest';
import { findUserByEmail, requireFreeAddress } from '../../src/users/user.ts';
import { password, startApi } from '../support/api.ts';
import { openEmptyDatabase } from '../support/database.ts';

/** Users of another system, with the addresses that they typed there. */
async function withUsers(emails: string[]) {
  const opened = await openEmptyDatabase();
  await opened.database.user.createMany({ data: emails.map((email) => ({ email, role: 'user' })) });
  const find = async (address: string) => (await findUserByEmail(opened.database, address))?.email ?? null;
  return { ...opened, find };
}

describe('user look-up by address', () => {
  it('ignores case, if only one user has the address', async () => {
    const { find } = await withUsers(['Mixed.Case@Example.com', 'ada@example.com', 'root@localhost']);
    expect(await find('mixed.case@example.com')).toBe('Mixed.Case@Example.com');
    expect(await find(' MIXED.CASE@example.com\n')).toBe('Mixed.Case@Example.com');
    expect(await find('ADA@example.com')).toBe('ada@example.com');
    expect(await find('Root@localhost')).toBe('root@localhost');
    expect(await find('%@example.com')).toBeNull();
    expect(await find('nobody@example.com')).toBeNull();
  });

  it('requires the exact case, if two users have the address in different cases', async () => {
    const { find } = await withUsers(['ada@example.com', 'Ada@Example.com']);
    expect(await find('ada@example.com')).toBe('ada@example.com');
    expect(await find('Ada@Example.com')).toBe('Ada@Example.com');
    expect(await find('ADA@EXAMPLE.COM')).toBeNull();
  });

  it('does not match a letter that only looks the same in lower case', async () => {
    const { find } = await withUsers(['\u212aim@example.com']);
    expect(await find('kim@example.com')).toBeNull();
    expect(await find('\u212aim@example.com')).toBe('\u212aim@example.com');
  });

  it('takes as many statements as for an unknown address', async () => {
    const { find, statements } = await withUsers(['Ada@Example.com']);
    const countFor = async (address: string) => {
      statements.length = 0;
      await find(address);
      return statements.length;
    };
    expect(await countFor('ada@example.com')).toBe(await countFor('nobody@example.com'));
  });
});

describe('address', () => {
  it('is taken in every case', async () => {
    const { database } = await withUsers(['Ada@Example.com']);
    const owner = await database.user.findFirstOrThrow();
    await expect(requireFreeAddress(database, 'ada@example.com')).rejects.toMatchObject({ code: 'EMAIL_TAKEN' });
    await expect(requireFreeAddress(database, 'ada@example.com', owner.id)).resolves.toBeUndefined();
    await expect(requireFreeAddress(database, 'bob@example.com')).resolves.toBeUndefined();
  });
});

describe('user from another system with an address in upper case', () => {
  async function withAda() {
    const api = await startApi();
    await api.signUp('ada@example.com');
    await api.database.user.updateMany({ data: { email: 'Ada@Example.com' } });
    return api;
  }

  it('logs in with every spelling, and cannot sign up again', async () => {
    const api = await withAda();
    for (const email of ['Ada@Example.com', 'ada@example.com', 'ADA@EXAMPLE.COM']) {
      expect(await api.client().login(email)).toMatchObject({ viewer: { email: 'Ada@Example.com' } });
    }
    expect(await api.client().signUp('ada@example.com')).toMatchObject({ code: 'EMAIL_TAKEN' });
  });

  it('logs in with an address that sign-up refuses', async () => {
    const api = await withAda();
    await api.database.user.updateMany({ data: { email: 'root@localhost' } });
    expect(await api.client().login('root@localhost')).toMatchObject({ __typename: 'SignInPayload' });
    expect(await api.client().login('nobody@localhost')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await api.client().login('root')).toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('is recognized on a device, and counted as one, in every case', async () => {
    const api = await withAda();
    const ada = api.client();
    await ada.login('Ada@Example.com');
    for (let wrong = 0; wrong < 12; wrong += 1) await api.client().login('ADA@example.com', 'BEARER', 'wrong');
    expect(await api.client().login('ada@example.com')).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await ada.login('ada@EXAMPLE.com')).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('gets a link for a new password to the stored address', async () => {
    const api = await withAda();
    await api.client().ask('mutation { requestPasswordReset(email: "ada@example.com") { email } }');
    const mail = await api.database.mail.findFirstOrThrow({ where: { template: 'reset-password' } });
    expect(mail).toMatchObject({ recipient: 'Ada@Example.com', userId: expect.any(BigInt) });
  });

  it('may have the address in lower case from now on', async () => {
    const api = await withAda();
    const ada = api.client();
    await ada.login('Ada@Example.com');
    await ada.act('requestEmailChange', { newEmail: 'ada@example.com', password });
    const templates = (await api.database.mail.findMany({ where: { recipient: 'ada@example.com' } })).map(
      ({ template }) => template,
    );
    expect(templates).toContain('confirm-email-change');
    expect(templates).not.toContain('email-taken');
  });
});
