/** @module-tag slow/process */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runNode } from '../support/process.ts';

/** These print no result of their own. */
const withoutJson = ['serve', 'print-schema'];

describe('--help', () => {
  it('has every command, of which docs/command-line.md has an example', async () => {
    const listed = await runNode('--import', ['./test/support/print-commands.ts', 'src/cli.ts'], {}).ended;
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    const commands: [name: string, help: string][] = JSON.parse(listed.stdout);
    expect(commands.length).toBeGreaterThan(30);
    const page = await readFile('docs/command-line.md', 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z -]+)` \| .* \| `graphql-sessions (.*)` \|$/gm)];
    expect(rows.map(([, name]) => name).sort()).toEqual(commands.map(([name]) => name).sort());
    for (const [, name, example = ''] of rows) expect(`${example} `).toContain(`${name} `);
    for (const [name, help] of commands) {
      expect(help).toMatch(new RegExp(`^Usage: graphql-sessions ${name}\\b`));
      expect([name, help.includes('--json')]).toEqual([name, !withoutJson.includes(name)]);
    }
  });

  it('is printed for a group and a command', async () => {
    const usage = async (...args: string[]) => (await runNode('src/cli.ts', [...args, '--help'], {}).ended).stdout;
    expect(await usage()).toMatch(/^Usage: graphql-sessions \[options\] \[command\]\n/);
    expect(await usage('user', 'show')).toMatch(/^Usage: graphql-sessions user show .*--json/s);
  });
});
