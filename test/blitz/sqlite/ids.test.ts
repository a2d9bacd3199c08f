import { describe, expect, it } from 'vitest';
import { adopt, blitzFile, expectIdsAfter, serve } from '../../support/blitz.ts';
import { openFile } from '../../support/database.ts';
import { globalIds, startIdsAfter, storedIds } from '../../support/ids.ts';

describe('an adopted SQLite file', () => {
  it.each([2n ** 31n - 2n, 2n ** 33n])('gives out the ids after %i, and ends sessions by them', async (bound) => {
    const url = await blitzFile('after');
    await adopt(url);
    await startIdsAfter({ url }, bound);
    await expectIdsAfter(bound, url);
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
