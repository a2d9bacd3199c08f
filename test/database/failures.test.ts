import { DriverAdapterError } from '@prisma/driver-adapter-utils';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/database.ts';
import { isUnavailable } from '../../src/database/failures.ts';
import { run } from '../../src/database/raw-sql.ts';
import { inTransaction } from '../../src/database/transaction.ts';
import { Prisma } from '../../src/generated/sqlite/client.ts';
import { createApp } from '../../src/http/front-door.ts';
import { countOnce } from '../../src/throttle/rate-limit.ts';
import { Client, startApi } from '../support/api.ts';
import { isPostgresql, openEmptyDatabase } from '../support/database.ts';

const known = (code: string, meta?: Record<string, unknown>) =>
  new Prisma.PrismaClientKnownRequestError('It failed.', { code, clientVersion: 'x', ...(meta ? { meta } : {}) });

const driverSays = (originalCode: string, originalMessage: string) =>
  known('P2010', { driverAdapterError: Object.assign(new Error('x'), { cause: { originalCode, originalMessage } }) });

describe('database failures', () => {
  it.each([
    ['cannot be reached', known('P1001')],
    ['transaction cannot begin', known('P2028')],
    ['shut down by its administrator', driverSays('57P01', 'terminating connection due to administrator command')],
    ['too many clients', driverSays('53300', 'sorry, too many clients already')],
    ['connection terminated', new Error('Connection terminated unexpectedly')],
    ['no connection in time', new Error('timeout exceeded when trying to connect')],
    ['no answer in time', new Error('Query read timeout')],
    ['statement timeout', driverSays('57014', 'canceling statement due to statement timeout')],
    ['shut down, says the driver', Object.assign(new Error('terminating connection'), { code: '57P01' })],
    ['connection refused by the system', Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })],
    ['read-only, or a standby', driverSays('25006', 'cannot execute INSERT in a read-only transaction')],
    ['damaged', driverSays('XX001', 'invalid page in block 1 of relation base/5/16396')],
    ['an error of the disk', driverSays('58030', 'could not read block 1 in file "base/5/16396": Input/output error')],
    ['a full disk when it connects', Object.assign(new Error('could not write init file'), { code: 'XX000' })],
    ['used-up ids', driverSays('2200H', 'nextval: reached maximum value of sequence "Session_id_seq"')],
    ['a missing table', known('P2021', { table: 'public.Session' })],
    ['a wrong password', known('P1000')],
    ['damaged, says SQLite', Object.assign(new Error('database disk image is malformed'), { code: 'SQLITE_CORRUPT' })],
    ['no database, says SQLite', Object.assign(new Error('file is not a database'), { code: 'SQLITE_NOTADB' })],
    ['locked, says SQLite', Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' })],
  ])('are 503 with a time for the retry, and no answer about the session: %s', async (_what, failure) => {
    expect(isUnavailable(failure)).toBe(true);
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const $findSession = async () => {
      throw failure;
    };
    const database = api.database.$extends({ client: { $findSession } }) as unknown as typeof api.database;
    const unavailable: unknown[] = [];
    const app = createApp({
      database,
      config: api.config,
      report: (error) => api.reported.push(error),
      reportUnavailable: (error) => unavailable.push(error),
    });
    const client = Object.assign(new Client(app, api.config.publicUrl), { cookie: ada.cookie });
    const { status, headers, code, data } = await client.send('{ viewer { id } }');
    expect({ status, code, data }).toEqual({ status: 503, code: 'SERVICE_UNAVAILABLE', data: undefined });
    expect(headers.get('retry-after')).toBe('1');
    expect(headers.getSetCookie()).toEqual([]);
    expect(api.reported).toEqual([]);
    expect(unavailable).toEqual([failure]);
  });

  it.each([known('P2002'), known('P2025'), new Error('bug'), new TypeError('x is not a function'), 'text', null])(
    'do not include every error: %s',
    (error) => {
      expect(isUnavailable(error)).toBe(false);
    },
  );
});

const lookForDeadlocksSoon = Prisma.sql`
  SELECT set_config('deadlock_timeout', '50ms', true) FROM pg_roles WHERE rolname = current_user AND rolsuper`;

describe('transaction conflicts', () => {
  it('are retried, and given up after some tries', async () => {
    const { database } = await openEmptyDatabase();
    let tries = 0;
    const conflict = () => {
      tries += 1;
      throw known('P2034');
    };
    expect(await inTransaction(database, async () => (tries < 3 ? conflict() : 'done'))).toBe('done');
    expect(tries).toBe(3);
    tries = 0;
    await expect(inTransaction(database, async () => conflict())).rejects.toMatchObject({ code: 'P2034' });
    expect(tries).toBe(5);
  });

  it('are retried also when many sessions end', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    let tries = 0;
    const { queryable } = api.database.$driver;
    const conflicting = new Proxy(queryable, {
      get: (target, name) => {
        if (name !== 'startTransaction') return Reflect.get(target, name);
        return async () => {
          tries += 1;
          const transaction = await queryable.startTransaction();
          if (tries === 3) return transaction;
          const fail = () => Promise.reject(new DriverAdapterError({ kind: 'TransactionWriteConflict' }));
          return Object.assign(transaction, { queryRaw: fail, runPrepared: fail });
        };
      },
    });
    const $driver = { ...api.database.$driver, queryable: conflicting };
    const database = new Proxy(api.database, {
      get: (target, name) => (name === '$driver' ? $driver : Reflect.get(target, name)),
    });
    const app = createApp({ database, config: api.config, report: (error) => api.reported.push(error) });
    const client = Object.assign(new Client(app, api.config.publicUrl), { token: ada.token });
    const { revokeAll } = await client.ask('mutation { revokeAll { revokedSessionIds } }');
    expect(revokeAll.revokedSessionIds).toHaveLength(1);
    expect(tries).toBe(3);
  });

  it('occur in reality, and lose nothing', async () => {
    const { database, url } = await openEmptyDatabase();
    const other = await openDatabase(url);
    const { id } = await database.session.create({ data: { handle: 'h', publicData: '0', expiresAt: new Date() } });
    const add = (one: typeof database) =>
      inTransaction(one, async (db) => {
        const session = await db.session.findUniqueOrThrow({ where: { id } });
        const isWritten = await db.session.updateMany({
          where: { id, publicData: session.publicData },
          data: { publicData: String(Number(session.publicData) + 1) },
        });
        if (isWritten.count === 0) throw known('P2034');
      });
    await Promise.all([add(database), add(other), add(database), add(other)]);
    expect((await database.session.findFirstOrThrow()).publicData).toBe('4');
    await other.$disconnect();
  });

  it('include raw statements that lock the same rows in another order', async () => {
    const { database, url } = await openEmptyDatabase();
    const now = new Date();
    const limits = ['a', 'b'].map((key) => ({ key, points: 10, durationMs: null }));
    await countOnce(database, limits, now);
    let entered = 0;
    const both = Promise.withResolvers<void>();
    await Promise.all(
      [limits, limits.toReversed()].map((inOrder) =>
        inTransaction(database, async (db) => {
          // PostgreSQL looks for a deadlock after a second, and a statement may take two: on a busy machine that is
          // close.
          if (isPostgresql(url)) await run(db, lookForDeadlocksSoon);
          for (const limit of inOrder) {
            await countOnce(db, [limit], now);
            entered += 1;
            if (entered === 2) both.resolve();
            // On SQLite the second transaction waits until the first is over.
            if (isPostgresql(url)) await both.promise;
          }
        }),
      ),
    );
    expect(await countOnce(database, limits, now)).toEqual([4, 4]);
  });
});
