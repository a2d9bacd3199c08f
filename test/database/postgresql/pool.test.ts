import type { Duplex } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { faultOf } from '../../../src/database/failures.ts';
import { streamOf } from '../../../src/database/postgresql/client.ts';
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

it('sends the statements of one turn in one packet', async () => {
  const url = await blankDatabase();
  const pool = openPool(url, { size: 1, target: 'any', report: () => {} });
  const client = await pool.connect();
  const stream = streamOf(client);
  const write = vi.spyOn(stream, '_write');
  const writeMany = vi.spyOn(stream as Required<Duplex>, '_writev');
  const numbers = ['1', '2', '3'];
  const answers = await Promise.all(numbers.map((number) => client.query('SELECT $1 AS number', [number])));
  expect(answers.map(({ rows }) => rows[0])).toEqual(numbers.map((number) => ({ number })));
  expect(write.mock.calls.length + writeMany.mock.calls.length).toBe(1);
  client.release();
  await pool.end();
});
