/** @module-tag slow/hashing */
import { describe, expect, it } from 'vitest';
import { hashToken } from '../../../src/tokens/token.ts';
import { adopt, blitz, blitzFile, serve } from '../../support/blitz.ts';

describe('adopted database of the fixture', () => {
  it.each(['before', 'after'] as const)('%s: all users log in with their passwords', async (name) => {
    const url = await blitzFile(name);
    await adopt(url);
    const { client, database } = await serve(url);
    for (const { id, email, password } of blitz.users) {
      const isThere = name === 'before' || id !== 6;
      const answer = await client().login(email, 'BEARER', password);
      if (isThere) expect(answer, email).toMatchObject({ __typename: 'SignInPayload', viewer: { email } });
      else expect(answer, email).toMatchObject({ code: 'INVALID_CREDENTIALS' });
      expect(await client().login(email, 'BEARER', `${password}?`)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    const rewritten = await database.user.findMany({ select: { hashedPassword: true } });
    for (const { hashedPassword } of rewritten)
      expect(hashedPassword).toMatch(/^\$argon2id\$v=19\$m=(19456|65536),t=2,p=1\$/);
  });

  it('mixed case: an address belongs to its user in every case', async () => {
    const url = await blitzFile('after');
    await adopt(url);
    const { client } = await serve(url);
    const [, , mixed] = blitz.users;
    const answer = await client().login('mixed.case@example.com', 'BEARER', mixed?.password);
    expect(answer).toMatchObject({ viewer: { email: 'Mixed.Case@Example.com' } });
  });

  it('a reset password opens nothing, and a link sets a new one', async () => {
    const url = await blitzFile('after');
    await adopt(url, { plaintext: 'reset' });
    const { client, database } = await serve(url);
    const [, , , plain] = blitz.users;
    const login = await client().login(plain?.email ?? '', 'BEARER', plain?.password);
    expect(login).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    await client().ask(`mutation { requestPasswordReset(email: "${plain?.email}") { email } }`);
    expect(await database.mail.findFirst()).toMatchObject({
      template: 'reset-password',
      userId: BigInt(plain?.id ?? 0),
    });
  });

  it.each(['before', 'after'] as const)('%s: the cookie of a session still proves it', async (name) => {
    const url = await blitzFile(name);
    await adopt(url);
    const { database } = await serve(url);
    const cookies = blitz.sessions.flatMap(({ row, cookies: values, label }) => {
      const [, value] = Object.entries(values).find(([cookie]) => cookie.endsWith('sSessionToken')) ?? [];
      return value === undefined ? [] : [{ row, label, token: decodeURIComponent(value) }];
    });
    expect(cookies.length).toBeGreaterThan(5);
    let found = 0;
    for (const { row, label, token } of cookies) {
      const [handle = ''] = Buffer.from(token, 'base64').toString().split(';');
      const session = await database.$findSession(handle);
      if (!session) continue;
      found += 1;
      expect(session, label).toMatchObject({ handle: row.handle, antiCSRFToken: row.antiCSRFToken });
      expect(session.hashedSessionToken, label).toBe(hashToken(token));
      const isDeleted = name === 'after' && row.userId === 6;
      expect(session.user?.id ?? null, label).toBe(isDeleted || row.userId === null ? null : BigInt(row.userId));
    }
    expect(found).toBe(name === 'before' ? 6 : 7);
  });
});
