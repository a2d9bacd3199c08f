/** @module-tag slow/process */
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/database/database.ts';
import { fetchOver } from '../../support/api.ts';
import { adopt, blitz, blitzFile } from '../../support/blitz.ts';
import { runNode, startServer } from '../../support/process.ts';

/** Returns an adopted database with sessions of users that have not expired by the clock of this machine. */
async function adopted(): Promise<string> {
  const url = await blitzFile('after');
  await adopt(url);
  const database = await openDatabase(url);
  const expiresAt = new Date(Date.now() + 86_400_000);
  await database.session.updateMany({ where: { userId: { not: null } }, data: { expiresAt } });
  await database.$disconnect();
  return url;
}

describe('server on an adopted Blitz.js database', () => {
  it.each([
    ['accepts its cookies with BLITZ_COOKIES', { BLITZ_COOKIES: 'blitz' }, { email: 'alice@example.com' }],
    ['does not without', {}, null],
  ])('%s', async (_what, env, viewer) => {
    const { address } = await startServer(await adopted(), env);
    const cookies = blitz.sessions.find(({ label }) => label.startsWith('alice-phone'))?.cookies ?? {};
    const cookie = Object.entries(cookies)
      .map(([name, value]) => `${name}=${value}`)
      .join('; ');
    expect((await fetchOver(address, '{ viewer { email } }', { cookie })).body).toEqual({ data: { viewer } });
  });

  it('does not start with a prefix that no cookie can have, and says so before it opens the database', async () => {
    const env = { DATABASE_URL: 'file:/nowhere/x.db', PORT: '0', BLITZ_COOKIES: 'blitz,a b' };
    const { code, stderr } = await runNode('src/main.ts', [], env).ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'BLITZ_COOKIES is "a b", but it must be a prefix of cookie names.\n',
    });
  });
});
