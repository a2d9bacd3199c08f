/** @module-tag slow/process */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blitzSettingNames } from '../../src/blitz/config.ts';
import { settingNames } from '../../src/config/names.ts';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { temporaryFolder } from '../support/database.ts';
import { runNode } from '../support/process.ts';

function config(folder: string, args: string[], env: Record<string, string>) {
  const wrapper = ['env', '-C', folder];
  return runNode(join(process.cwd(), 'src/cli.ts'), ['config', ...args], env, { wrapper }).ended;
}

describe('config', () => {
  it('prints every setting, its source and the warnings, no secret, and creates no file', async () => {
    const folder = await temporaryFolder();
    const key = createEncryptionKey();
    await writeFile(join(folder, '.env'), 'SESSION_LIFETIME=48h\nENCRYPTION_KEYS_FILE=keys\nPORT=1\n');
    await writeFile(join(folder, 'keys'), `${key}\n`);
    const env = { NODE_ENV: 'production', PUBLIC_URL: 'https://a.example', PORT: '8080', BLITZ_SECRET: 'bl1tz-s3cret' };
    const asText = await config(folder, [], env);
    expect(asText).toMatchObject({ code: 0, stderr: '' });
    expect(asText.stdout).toMatch(/^SESSION_LIFETIME +2d {2}\.env$/m);
    expect(asText.stdout).toMatch(/^ENCRYPTION_KEYS +set {2}file keys$/m);
    expect(asText.stdout).toMatch(/^PORT +8080 {2}environment$/m);
    expect(asText.stdout).toMatch(/^SMTP_URL +not set {2}default$/m);
    expect(asText.stdout).toMatch(/^Warning: SMTP_URL is not set: /m);
    const asJson = await config(folder, ['--json'], env);
    expect(asJson).toMatchObject({ code: 0, stderr: '' });
    const { settings, warnings } = JSON.parse(asJson.stdout);
    expect(settings.map(({ name }: { name: string }) => name)).toEqual([...settingNames, ...blitzSettingNames].sort());
    expect(settings).toContainEqual(expect.objectContaining({ name: 'BLITZ_SECRET', value: 'set' }));
    expect(warnings).toContainEqual(expect.stringContaining('SMTP_URL is not set'));
    for (const { stdout } of [asText, asJson]) {
      for (const secret of [key.split(':')[1] ?? '', 'bl1tz']) expect(stdout).not.toContain(secret);
    }
    expect((await readdir(folder)).sort()).toEqual(['.env', 'keys']);
  });

  it('reports all invalid settings and misspelled names, and exits with 1', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, '.env'), 'SESSION_LIFETIME=48\n');
    const env = { ALOWED_ORIGINS: 'x', PORT: 'x', DATABASE_URL: 'postgresql://us3r:pa55@db' };
    const { code, stdout, stderr } = await config(folder, [], env);
    expect([code, stdout]).toEqual([1, '']);
    const names = stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    expect(names.sort()).toEqual(['ALOWED_ORIGINS', 'DATABASE_URL', 'PORT', 'SESSION_LIFETIME']);
    expect(stderr).toMatch(/^SESSION_LIFETIME .* The value comes from \.env\.$/m);
    expect(stderr).not.toMatch(/us3r|pa55/);
  });
});
