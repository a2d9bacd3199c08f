import { expect, it } from 'vitest';
import { faultOf } from '../../../src/database/failures.ts';
import { openPool } from '../../../src/database/postgresql/pool.ts';
import { blankDatabase } from '../../support/postgresql-databases.ts';
import { onServer } from '../../support/postgresql-server.ts';

it('reports an idle connection that breaks as a failure of the database, and replaces it', async () => {
  const url = await blankDatabase();
  const reported: unknown[] = [];
  const pool = openPool(url, { size: 1, target: 'any', report: (error) => reported.push(error) });
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await onServer(url, `SELECT pg_terminate_backend(${rows[0]?.pid})`);
  await expect.poll(() => reported.length).toBeGreaterThan(0);
  expect(reported.map(faultOf)).toEqual(['unreachable']);
  expect(String(reported[0])).toMatch(/An idle connection to the database broke: terminating connection/);
  expect((await pool.query('SELECT 1')).rowCount).toBe(1);
  await pool.end();
});
