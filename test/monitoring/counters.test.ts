import { Registry } from '@prometheus-io/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deliverDue } from '../../src/mail/delivery.ts';
import { createDeliveryLog } from '../../src/mail/delivery-log.ts';
import { readTemplates } from '../../src/mail/templates.ts';
import { pruneEvents, pruneExpired, pruneSessions } from '../../src/maintenance/prune.ts';
import { countAccounts } from '../../src/monitoring/metrics/account-series.ts';
import { countBackground } from '../../src/monitoring/metrics/background-series.ts';
import { startApi } from '../support/api.ts';
import { readSeries } from '../support/series.ts';

/** Counts until the test ends. Returns a function that reads a series. */
function count(begin: typeof countAccounts): (series: string) => Promise<number | undefined> {
  const registry = new Registry();
  onTestFinished(begin([registry]));
  return async (series) => readSeries(await registry.metrics(), `graphql_sessions_${series}`);
}

describe('counters', () => {
  it('tell the limits that refused, by their names', async () => {
    const read = count(countAccounts);
    const api = await startApi({ attempts: { perAddress: 2, perAccount: 1 } });
    await api.signUp('ada@example.com', 'BEARER');
    const client = api.client();
    client.address = '203.0.113.5';
    for (let n = 0; n < 4; n += 1) await client.login('ada@example.com', 'BEARER', 'a wrong password');
    expect(await read('limits_reached_total{limit="account"}')).toBe(3);
    for (let n = 0; n < 2; n += 1) await client.login(`nobody${n}@example.com`, 'BEARER', 'a wrong password');
    expect(await read('limits_reached_total{limit="passwords"}')).toBe(1);
  });

  it('tell the renewals of sessions', async () => {
    const read = count(countAccounts);
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await ada.ask('{ viewer { id } }');
    expect(await read('sessions_renewed_total')).toBe(0);
    api.clock.now = new Date(Date.now() + 86_400_000);
    for (let n = 0; n < 3; n += 1) await ada.ask('{ viewer { id } }');
    expect(await read('sessions_renewed_total')).toBe(1);
  });

  it('tell the rows that were pruned, by table', async () => {
    const read = count(countBackground);
    const api = await startApi();
    await api.signUp('ada@example.com', 'BEARER');
    await api.client().ask('mutation { startSession { session { id } } }');
    const later = new Date(Date.now() + 400 * 86_400_000);
    await pruneSessions(api.database, later);
    await pruneEvents(api.database, later);
    await pruneExpired(api.database, later);
    expect(await read('pruned_rows_total{table="Session"}')).toBe(2);
    expect(await read('pruned_rows_total{table="AuditEvent"}')).toBeGreaterThan(0);
    expect(await read('pruned_rows_total{table="UserToken"}')).toBeGreaterThan(0);
  });

  it('tell the mails that were given up', async () => {
    const read = count(countBackground);
    const api = await startApi();
    await api.signUp('ada@example.com', 'BEARER');
    const send = async () => {
      throw Object.assign(new Error(), { responseCode: 550, command: 'RCPT TO' });
    };
    const { database, config, clock } = api;
    const [render, appUrl] = [await readTemplates(null), config.mail.appUrl];
    const log = createDeliveryLog(() => {}, { now: () => clock.now });
    const transport = { send, close: async () => {} };
    const options = { database, transport, render, appUrl, clock: { now: () => clock.now }, encryptionKeys: null, log };
    await deliverDue(options, async () => true);
    expect(await read('mails_given_up_total')).toBe(1);
    expect(await read('mail_attempts_total{result="failed"}')).toBe(1);
  });
});
