/** @module-tag slow/process */
import { expect, it } from 'vitest';
import { startApi } from '../support/api.ts';
import { isPostgresql } from '../support/database.ts';
import { runNode } from '../support/process.ts';

it('`revoke --all` ends every session of users and visitors, and new ones may start', async () => {
  const api = await startApi();
  const ada = await api.signUp('ada@example.com', 'BEARER');
  const bob = await api.signUp('bob@example.com');
  const expiresAt = new Date(Date.now() + 86_400_000);
  const visitors = Array.from({ length: 1_200 }, (_, n) => ({
    handle: `visitor ${n}`,
    hashedSessionToken: 't',
    expiresAt,
  }));
  await api.database.session.createMany({ data: visitors });
  const env = { DATABASE_URL: api.url };
  const first = await runNode('src/cli.ts', ['revoke', '--all'], env).ended;
  expect(first).toEqual({ code: 0, stdout: 'Ended 1202 sessions.\n', stderr: '' });
  for (const client of [ada, bob]) expect(await client.ask('{ viewer { id } }')).toEqual({ viewer: null });
  expect(await api.database.session.count({ where: { endReason: 'REVOKED_BY_ADMIN', hashedSessionToken: null } })).toBe(
    1_202,
  );
  const events = await api.database.auditEvent.findMany({ where: { type: 'SESSION_REVOKED' } });
  expect(events.map(({ detail }) => detail)).toEqual(['REVOKED_BY_ADMIN', 'REVOKED_BY_ADMIN']);
  const again = await runNode('src/cli.ts', ['revoke', '--all'], env).ended;
  expect(again).toEqual({ code: 0, stdout: 'Ended 0 sessions.\n', stderr: '' });
  await ada.login('ada@example.com', 'BEARER');
  expect(await ada.ask('{ viewer { email } }')).toEqual({ viewer: { email: 'ada@example.com' } });
});

it('`backup` and `restore` name the tools of PostgreSQL for a PostgreSQL database', async ({ skip }) => {
  const { url } = await startApi();
  if (!isPostgresql(url)) skip();
  for (const [command, tool] of [
    ['backup', /^`backup` copies an SQLite file\. .* pg_dump --format=custom .*\n$/],
    ['restore', /^`restore` replaces an SQLite file\. .* pg_restore .* `revoke --all`, .*\n$/],
  ] as const) {
    const refused = await runNode('src/cli.ts', [command, 'file'], { DATABASE_URL: url }).ended;
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(tool) });
  }
});
