import pg from 'pg';
import { expect, it } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { transactionIsOver } from '../../../src/database/failures.ts';
import { commandScope } from '../../../src/scope.ts';
import { withAttempt } from '../../../src/throttle/attempts.ts';
import { openEmptyDatabase } from '../../support/database.ts';

it('uncounts an attempt if the database fails, and does not wait for it', async () => {
  const { database, url } = await openEmptyDatabase();
  const failure = transactionIsOver();
  const attempt = { accountKey: 'ada@example.com', isTrustedDevice: false, policy: readConfig({}).attempts };
  const tryWith = (check: () => Promise<void>) =>
    withAttempt(database, commandScope(new Date()), attempt, async () => {
      await check();
      throw failure;
    });
  const count = async () => (await database.rateLimit.findMany()).reduce((sum, { points }) => sum + points, 0);

  await expect(tryWith(async () => expect(await count()).toBe(1))).rejects.toBe(failure);
  await expect.poll(count).toBe(0);

  const other = new pg.Client({ connectionString: url });
  await other.connect();
  const locked = tryWith(async () => {
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM "RateLimit" FOR UPDATE');
  });
  await expect(locked).rejects.toBe(failure);
  expect(await count()).toBe(1);
  await other.end();
});
