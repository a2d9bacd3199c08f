/** @module-tag repeated */
import { describe, expect, inject, it } from 'vitest';
import { endExpired, pruneSessions } from '../../src/maintenance/prune.ts';
import { type Client, startApi, type TestApi } from '../support/api.ts';
import { isPostgresql } from '../support/database.ts';
import { deliverMail } from '../support/mail.ts';

const rows = inject('isShort') ? 200 : 2_000;

/** Starts a server with enough rows for indexes to be worth it, and a signed-in user. */
async function filledApi() {
  const api = await startApi();
  const ada = await api.signUp('ada@example.com', 'BEARER');
  const { id: userId } = await api.database.user.findFirstOrThrow();
  const users = Array.from({ length: rows }, (_, n) => ({
    email: `${n}@example.com`,
    hashedPassword: 'x',
    role: 'user',
  }));
  await api.database.user.createMany({ data: users });
  const expiresAt = new Date(api.clock.now.getTime() + 1_000_000);
  const sessions = Array.from({ length: rows }, (_, n) => ({
    handle: `h${n}`,
    userId: userId + BigInt(n % rows),
    hashedSessionToken: 'x',
    expiresAt,
  }));
  await api.database.session.createMany({ data: sessions });
  return { api, ada };
}

/** Returns the query plans of the statements of an act. */
async function plansOf(api: TestApi, act: () => Promise<unknown>): Promise<string[]> {
  api.statements.length = 0;
  await act();
  const statements = api.statements.filter((sql) => /^\s*(SELECT|UPDATE|DELETE)/i.test(sql)).map((sql) => sql.trim());
  expect(statements.length).toBeGreaterThan(0);
  return Promise.all(statements.map((sql) => planOf(api, sql)));
}

async function planOf({ database, url }: TestApi, sql: string): Promise<string> {
  if (!isPostgresql(url)) {
    // Unbound parameters are null, which does not matter for a plan.
    const parameters = [...sql.matchAll(/\?/g)].map(() => null);
    const steps = await database.$queryRawUnsafe<{ detail: string }[]>(`EXPLAIN QUERY PLAN ${sql}`, ...parameters);
    return [sql, ...steps.map(({ detail }) => detail)].join('\n');
  }
  return database.$transaction(async (db) => {
    // Tables as small as these are read and sorted as a whole where an index would serve larger ones.
    for (const way of ['seqscan', 'bitmapscan', 'sort']) await db.$executeRawUnsafe(`SET LOCAL enable_${way} = off`);
    const steps = await db.$queryRawUnsafe<Record<string, string>[]>(`EXPLAIN (GENERIC_PLAN) ${sql}`);
    return [sql, ...steps.flatMap((step) => Object.values(step))].join('\n');
  });
}

/** Matches a scan of a whole table or index (not of a list parameter), and a sort without an index. */
const isSlow = /^\s*SCAN (?!json_each )|Seq Scan|USE TEMP B-TREE|->? *Sort|^\s*Sort/m;

describe('frequent statements', () => {
  const often: [string, (api: TestApi, ada: Client) => Promise<unknown>][] = [
    ['a read', (_api, ada) => ada.ask('{ currentSession { handle expiresAt user { email } } }')],
    [
      'a read that is noted',
      (api, ada) => {
        api.clock.now = new Date(api.clock.now.getTime() + 2 * 86_400_000);
        return ada.ask('{ viewer { id } }');
      },
    ],
    ['a list of one’s sessions', (_api, ada) => ada.ask('{ viewer { sessions { id handle } } }')],
    ['an object by its id', (_api, ada) => ada.ask('{ node(id: "U2Vzc2lvbjox") { id } }')],
    ['a login that fails', (_api, ada) => ada.login('ada@example.com', 'BEARER', 'not the password')],
    ['revoking one', (_api, ada) => ada.ask('mutation { revoke(id: "U2Vzc2lvbjox") { __typename } }')],
    [
      'the end of the last session',
      async (api, ada) => {
        const phone = api.client();
        await phone.login('ada@example.com', 'BEARER');
        api.statements.length = 0;
        await phone.ask('mutation { revokeOthers { viewer { id } } }');
        return ada.ask('{ lastSession { device } }');
      },
    ],
    ['logging out', (_api, ada) => ada.ask('mutation { logout { revokedSessionId } }')],
  ];

  it.each(often)('of %s use an index', async (_what, act) => {
    const { api, ada } = await filledApi();
    for (const plan of await plansOf(api, () => act(api, ada))) expect(plan).not.toMatch(isSlow);
  });

  it('of pruning use an index', async () => {
    const { api } = await filledApi();
    const plans = await plansOf(api, async () => {
      await pruneSessions(api.database, api.clock.now);
      await endExpired(api.database, api.clock.now, api.config.sessions);
    });
    for (const plan of plans) expect(plan).not.toMatch(isSlow);
  });

  it('of the outbox use an index, with any number of other mails', async () => {
    const { api } = await filledApi();
    const mails = Array.from({ length: rows }, (_, n) => ({
      sendAfter: api.clock.now,
      priority: n % 50 === 0 ? 0 : 1,
      template: 'email-taken',
      recipient: `${n}@example.com`,
    }));
    await api.database.mail.createMany({ data: mails });
    const plans = await plansOf(api, () => deliverMail(api, { maxCount: 1 }));
    expect(plans.join()).toContain('Mail_priority_sendAfter_idx');
    for (const plan of plans) expect(plan).not.toMatch(isSlow);
  });

  it.each(['a known', 'a new'])(
    'of a login from %s device sort no more than the sessions of one user',
    async (which) => {
      const { api, ada } = await filledApi();
      const device = which === 'a new' ? api.client() : ada;
      for (const plan of await plansOf(api, () => device.login('ada@example.com', 'BEARER'))) {
        if (/ORDER BY/.test(plan)) expect(plan).toMatch(/Session_userId_id_idx/);
        else expect(plan).not.toMatch(isSlow);
      }
    },
  );

  it('are checked by a test that detects scans', async () => {
    const { api } = await filledApi();
    const [plan] = await plansOf(api, () => api.database.session.findMany({ where: { userAgent: 'x' } }));
    expect(plan).toMatch(isSlow);
    const [sorted] = await plansOf(api, () => api.database.session.findMany({ orderBy: { userAgent: 'asc' } }));
    expect(sorted).toMatch(isSlow);
  });
});
