/** @module-tag slow/process */
import { describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { runNode } from '../support/process.ts';
import { addApp, encryptionKeys } from '../support/second-factor.ts';

const ada = 'ada@example.com';

async function start() {
  const api = await startApi({ encryptionKeys });
  await addApp(api, await api.signUp(ada));
  const run = (...args: string[]) => {
    const env = { DATABASE_URL: api.url, FACTOR_RESET_DELAY: '2h' };
    return runNode('src/cli.ts', ['reset-factors', ada, ...args], env).ended;
  };
  return { api, run };
}

const typesOf = async ({ database }: TestApi) =>
  (await database.auditEvent.findMany({ where: { type: { contains: 'RESET' } }, orderBy: { id: 'asc' } })).map(
    ({ type }) => type,
  );

describe('reset-factors', () => {
  it('requests a reset, which can be cancelled', async () => {
    const { api, run } = await start();
    const { code, stdout } = await run('--reason', 'LOST', '--json');
    expect(code).toBe(0);
    const { user, takesEffectAt } = JSON.parse(stdout);
    expect(user).toMatchObject({ email: ada });
    const reset = await api.database.factorReset.findFirstOrThrow();
    expect(reset).toMatchObject({ requestedById: null, reason: 'LOST', dueAt: new Date(takesEffectAt) });
    expect(reset.dueAt.getTime() - reset.createdAt.getTime()).toBe(2 * 3_600_000);
    expect(await run('--cancel')).toMatchObject({ code: 0, stdout: `The factors of ${ada} stay.\n` });
    expect(await api.database.factorReset.count()).toBe(0);
    expect(await typesOf(api)).toEqual(['FACTOR_RESET_REQUESTED', 'FACTOR_RESET_CANCELLED']);
  });

  it('resets at once with --now', async () => {
    const { api, run } = await start();
    const done = `Reset the factors of ${ada}, and ended 1 session.\n`;
    expect(await run('--reason', 'STOLEN', '--now')).toMatchObject({ code: 0, stdout: done });
    expect(await api.database.authenticatorApp.count()).toBe(0);
    expect(await typesOf(api)).toEqual(['FACTOR_RESET_REQUESTED', 'FACTORS_RESET']);
    expect(await run('--reason', 'LOST')).toMatchObject({ code: 1, stderr: 'The account has no such factor.\n' });
  });

  it('needs a reason that it knows', async () => {
    const { run } = await start();
    for (const args of [[], ['--now'], ['--reason', 'because'], ['--cancel', '--now']]) {
      expect((await run(...args)).code, args.join(' ')).toBe(2);
    }
  });
});
