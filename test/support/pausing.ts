import type { Database } from '../../src/database/database.ts';
import { createApp } from '../../src/http/front-door.ts';
import { Client, type Data, type TestApi } from './api.ts';

/** Returns a client of a second server on the same database. Its first renewal of a session waits before it is sent. */
export function pausingBeforeRenewal(api: TestApi) {
  return pausing(api, 'before', (hook) => ({ query: { session: { updateManyAndReturn: hook } } }));
}

/** Returns the same, but the first request waits after it has read its session, or the user who logs in. */
export function pausingOnceRead(api: TestApi, read: '$findSession' | '$findUsersByAddress' = '$findSession') {
  return pausing(api, 'after', (hook) => ({
    client: { [read]: (args: string) => hook({ args, query: api.database[read] }) },
  }));
}

/**
 * Returns the same, but the first write to a session waits after it is done: a renewal, or the lock of the row in a
 * transaction.
 */
export function pausingOnceLocked(api: TestApi) {
  return pausing(api, 'after', (hook) => ({ query: { session: { updateManyAndReturn: hook } } }));
}

/** Returns the same, but the first request waits before it checks the session whose cookie its answer sets. */
export function pausingBeforeAnswer(api: TestApi) {
  const { $findSession: query } = api.database;
  let reads = 0;
  return pausing(api, 'before', (hook) => ({
    client: {
      $findSession(args: string) {
        reads += 1;
        return reads === 1 ? query(args) : hook({ args, query });
      },
    },
  }));
}

type Hook = (call: { args: Data; query: (args: Data) => Promise<Data> }) => Promise<Data>;

/** Pauses the first hooked call: with `before`, before it is sent; with `after`, before its answer is used. */
function pausing(api: TestApi, at: 'before' | 'after', extensionWith: (hook: Hook) => object) {
  const reached = Promise.withResolvers<void>();
  const resume = Promise.withResolvers<void>();
  let isFirst = true;
  const wait = async () => {
    if (!isFirst) return;
    isFirst = false;
    reached.resolve();
    await resume.promise;
  };
  const hook: Hook = async ({ args, query }) => {
    if (at === 'before') await wait();
    const result = await query(args);
    if (at === 'after') await wait();
    return result;
  };
  const database = api.database.$extends(extensionWith(hook)) as unknown as Database;
  const { config, legacySessions } = api;
  const now = () => api.clock.now;
  const app = createApp({ database, config, report: (error) => api.reported.push(error), now, legacySessions });
  const client = new Client(app, config.publicUrl);
  return { client, reached: reached.promise, resume: resume.resolve };
}
