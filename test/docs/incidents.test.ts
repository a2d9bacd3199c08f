/** @module-tag slow/process */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { auditEventTypes } from '../../src/events/record.ts';
import { startApi } from '../support/api.ts';
import { runNode } from '../support/process.ts';

const page = readFileSync('docs/incidents.md', 'utf8');

/** The commands of the page, without comments, in their order. */
const commands = [...page.matchAll(/^npx graphql-sessions (.*?)(?: +#.*)?$/gm)].map(([, command = '']) => command);

const reading = /^(?:audit|user list|user show|service-client list)/;

/** The commands to run: each that changes something, and one of each that reads. */
const toRun = new Map(commands.map((command) => [reading.exec(command)?.[0] ?? command, command])).values();

describe('docs/incidents.md', () => {
  it('names types of events that exist', () => {
    const types = commands.flatMap((command) => / --type (\w+)/.exec(command)?.[1] ?? []);
    expect(types.length).toBeGreaterThan(5);
    expect(Object.keys(auditEventTypes)).toEqual(expect.arrayContaining(types));
  });

  it('has commands that work, in their order', async () => {
    const api = await startApi();
    for (const name of ['ada', 'root', 'other']) await api.signUp(`${name}@example.com`);
    await api.database.user.updateMany({ where: { email: { not: 'ada@example.com' } }, data: { role: 'admin' } });
    const ada = await api.database.user.findUniqueOrThrow({ where: { email: 'ada@example.com' } });
    const app = { userId: ada.id, createdAt: api.clock.now, encryptedSecret: 'none', lastUsedStep: 0 };
    await api.database.authenticatorApp.create({ data: app });
    const env = { DATABASE_URL: api.url, APP_URL: 'https://app.example.com' };
    const run = async (command: string) => {
      const { code, stdout, stderr } = await runNode('src/cli.ts', command.split(' '), env).ended;
      expect(code, `${command}: ${stderr}`).toBe(0);
      return stdout;
    };
    await run('service-client create my-api --scope introspect');
    const { handle } = await api.database.session.findFirstOrThrow();
    let address = 'ada@example.com';
    for (const command of toRun) {
      // The user has the new address once a command has given it.
      const written = command.startsWith('user set-email')
        ? command
        : command.replace(/ada@(new\.)?example\.com/, address);
      await run(written.replace('$HANDLE', handle));
      address = command.startsWith('user set-email') ? 'ada@new.example.com' : address;
    }
    expect(await api.database.session.count({ where: { hashedSessionToken: { not: null } } })).toBe(0);
    expect(await run('user list --role admin')).toMatch(/^\d+ {2}other@example\.com.*\n$/);
  });
});
