import { describe, expect, it } from 'vitest';
import { adopt, blitzFile, serve } from '../../support/blitz.ts';
import { openFile } from '../../support/database.ts';
import { globalIds, startIdsAfter, storedIds } from '../../support/ids.ts';

describe('an adopted SQLite file', () => {
  it.each([2n ** 31n - 2n, 2n ** 33n])('gives out the ids after %i, and ends sessions by them', async (bound) => {
    const url = await blitzFile('after');
    await adopt(url);
    await startIdsAfter({ url }, bound);
    const { client } = await serve(url);
    const ada = client();
    await ada.signUp('ada@example.com', 'BEARER');
    const { session } = await client().login('ada@example.com', 'BEARER');
    expect(session.id).toBe(globalIds('Session', [bound + 2n])[0]);
    expect(await ada.act('revoke', { id: session.id }, '... on RevokePayload { revokedSessionId }')).toMatchObject({
      revokedSessionId: session.id,
    });
    expect((await storedIds({ url }, 'User')).at(-1)).toBe(bound + 1n);
  });

  it('keeps ids that no number holds, and the passwords of their users', async () => {
    const url = await blitzFile('after');
    const file = openFile(url);
    const password = 'a staple of the battery';
    const ids = [2n ** 53n, 2n ** 53n + 1n, 2n ** 53n + 2n];
    const insert = file.prepare(
      `INSERT INTO "User" ("id", "updatedAt", "email", "hashedPassword", "role") VALUES (?, 1, ?, ?, 'user')`,
    );
    for (const id of ids) insert.run(id, `${id}@example.com`, `${password} ${id}`);
    await adopt(url);
    expect((await storedIds({ url }, 'User')).slice(-3)).toEqual(ids);
    const { client } = await serve(url);
    for (const id of ids) {
      const { viewer } = await client().login(`${id}@example.com`, 'BEARER', `${password} ${id}`);
      expect(viewer.id).toBe(globalIds('User', [id])[0]);
    }
  });
});
