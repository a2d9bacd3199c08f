import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { auditEventTypes } from '../../src/events/record.ts';
import type { AuditEvent } from '../../src/generated/sqlite/client.ts';
import { listen } from '../../src/http/server.ts';
import { describeEvent } from '../../src/security-events/event-types.ts';
import { maxAhead } from '../../src/security-events/receiver.ts';
import { maxWaitMs, maxWaits } from '../../src/security-events/waiting-polls.ts';
import { freePort } from '../support/ports.ts';
import { startReceiver, startSigningApi } from '../support/security-events.ts';

const page = readFileSync('docs/security-events.md', 'utf8');

/** Returns a value with the names of its members and the types of their values. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value;
  const members = Object.entries(value).map(([name, member]) => [name, shapeOf(member)]);
  return Object.fromEntries(members.sort());
}

describe('docs/security-events.md', () => {
  it('lists the security event of each type of event that has one', () => {
    const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+`/.test(line));
    const listed = rows.flatMap((row) => {
      const [, types = '', text = ''] = row.split('|');
      const [, profile = '', name = ''] = /(CAEP|RISC) `([a-z-]+)`/.exec(text) ?? [];
      return [...types.matchAll(/`([A-Z_]+)`/g)].map(([, type]) => [type, `${profile.toLowerCase()} ${name}`]);
    });
    const event = { id: 1n, at: new Date(), userId: 1n, actorId: 1n, detail: null } as AuditEvent;
    const expected = Object.keys(auditEventTypes).flatMap((type) => {
      const described = describeEvent({ ...event, type });
      const [, profile, name] = /secevent\/(caep|risc)\/event-type\/(.*)$/.exec(described?.type ?? '') ?? [];
      return described ? [[type, `${profile} ${name}`]] : [];
    });
    expect(listed.sort()).toEqual(expected.sort());
  });

  it('has the limits of the code', () => {
    expect(page).toContain(`waits up to ${maxWaitMs / 1_000} seconds`);
    expect(page).toContain(`${maxWaits} polls that wait`);
    expect(page).toContain(`once ${maxAhead.toLocaleString('en')} later ones are acknowledged`);
  });

  it('has a token and a receiver that work', async () => {
    const publicUrl = new URL(`http://127.0.0.1:${await freePort()}`);
    const api = await startSigningApi({ publicUrl });
    const { stop } = await listen(api.app, { host: publicUrl.hostname, port: Number(publicUrl.port) });
    onTestFinished(stop);
    const { clientId, secret, poll, receive } = await startReceiver(api);
    const env = { ISSUER: publicUrl.origin, CLIENT_ID: clientId, CLIENT_SECRET: secret };
    const laptop = await api.signUp('ada@example.com', 'BEARER');
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    const { handle, id } = (await phone.ask('{ currentSession { handle id } }')).currentSession;
    await laptop.act('revoke', { id });
    const [payload] = await receive();
    const sample = JSON.parse(readFileSync('examples/security-events/session-revoked.json', 'utf8'));
    expect(shapeOf(sample)).toEqual(shapeOf(payload));
    expect(Object.values(sample.events)).toMatchObject([
      { reason_admin: Object.values(payload?.events as Record<string, { reason_admin: object }>)[0]?.reason_admin },
    ]);
    const program = spawn(process.execPath, ['examples/security-events/receiver.js'], { env });
    onTestFinished(() => void program.kill());
    let output = '';
    for (const stream of [program.stdout, program.stderr]) {
      stream.on('data', (text) => {
        output += text;
      });
    }
    const line = `The session ${handle} of ${(await laptop.ask('{ viewer { id } }')).viewer.id} ended. REVOKED: `;
    await expect.poll(() => output).toContain(line);
    // The program has acknowledged it, and waits.
    await expect.poll(async () => (await poll()).body.sets).toEqual({});
    program.kill();
  });
});
