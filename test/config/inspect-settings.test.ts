import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { blitzSettingNames, readBlitzPolicy } from '../../src/blitz/config.ts';
import { readConfig } from '../../src/config/config.ts';
import { inspectSettings } from '../../src/config/inspect/settings.ts';
import { readLogPolicy } from '../../src/config/monitoring/log.ts';
import { settingNames } from '../../src/config/names.ts';
import { read } from '../../src/config/variables.ts';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { temporaryFolder } from '../support/database.ts';

const readers = [readConfig, readLogPolicy, readBlitzPolicy];
const inspect = (env: Record<string, string>, fromEnvFile: string[] = []) =>
  inspectSettings(env, new Set(fromEnvFile), readers);

/** Returns the values by name. */
function valuesOf(env: Record<string, string>) {
  const { settings, problems } = inspect(env);
  expect(problems).toEqual([]);
  return Object.fromEntries(settings.map(({ name, value }) => [name, value]));
}

describe('inspection of the settings', () => {
  it('has each setting of the server once, as .env.example does', async () => {
    const names = inspect({}).settings.map(({ name }) => name);
    expect(names).toEqual([...settingNames, ...blitzSettingNames].sort());
    const example = await readFile('.env.example', 'utf8');
    expect(names).toEqual(Object.keys(parseEnv(example.replace(/^# ?(?=[A-Z0-9_]+=)/gm, ''))).sort());
    // A blank line separates a setting from the text about the next one.
    expect(example).not.toMatch(/^# [A-Z0-9_]+=.*\n# (?![A-Z0-9_]+=)/m);
    const other = { DATABASE_URL: 'postgresql://db/app', BLITZ_COOKIES: 'app', METRICS_PORT: '9464' };
    expect(Object.keys(valuesOf(other))).toEqual(names);
  });

  it('has the values as the server understands them, with units', () => {
    const values = valuesOf({
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://Accounts.example.com:443/',
      SESSION_IDLE_TIMEOUT: '48h',
      SESSION_LIFETIME: '90m',
      ALLOWED_ORIGINS: ' https://a.example/ ,, https://b.example:8443',
      PORT: '0080',
      HOST: ' ',
      METRICS_PORT: '9464',
      PRIVATE_SIGN_UP: 'true',
    });
    expect(values).toMatchObject({
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://accounts.example.com',
      APP_URL: 'https://accounts.example.com',
      MAIL_FROM: 'accounts@accounts.example.com',
      GRAPHIQL: false,
      PRIVATE_SIGN_UP: true,
      SESSION_IDLE_TIMEOUT: '2d',
      SESSION_LIFETIME: '90m',
      DRAIN_TIME: '0s',
      ALLOWED_ORIGINS: ['https://a.example', 'https://b.example:8443'],
      PORT: 80,
      HOST: '127.0.0.1',
      METRICS_PORT: 9464,
      DATABASE_URL: 'file:data/sessions.db',
      DATABASE_REPLICA_URL: null,
      SMTP_URL: null,
      ENCRYPTION_KEYS: null,
    });
  });

  it('tells where a value comes from', async () => {
    const file = join(await temporaryFolder(), 'smtp');
    await writeFile(file, 'smtps://mail.example.com');
    const { settings } = inspect({ PORT: '80', HOST: '0.0.0.0', SMTP_URL_FILE: file, LOG_LEVEL: '' }, ['HOST']);
    const sources = Object.fromEntries(settings.map(({ name, source }) => [name, source]));
    expect(sources).toMatchObject({ PORT: 'environment', HOST: '.env', SMTP_URL: 'file', LOG_LEVEL: 'default' });
    expect(settings.find(({ name }) => name === 'SMTP_URL')).toEqual({
      name: 'SMTP_URL',
      value: 'smtps://mail.example.com',
      source: 'file',
      file,
      isSecret: true,
    });
  });

  it('tells only that a secret is set, from a variable and from a file, and no credentials of any URL', async () => {
    const hash = '0123456789abcdef'.repeat(4);
    const key = createEncryptionKey();
    const given = {
      DATABASE_URL: 'postgresql://us3r:pa55@db.internal:5432/app?password=pa55&sslkey=pa55',
      DATABASE_REPLICA_URL: 'postgresql://us3r@replica.internal/app',
      SMTP_URL: 'smtps://us3r:pa55@mail.internal',
      ENCRYPTION_KEYS: `${key},other:${createEncryptionKey().split(':')[1]}`,
      SERVICE_KEYS: hash,
      BLITZ_SECRET: 'bl1tz-s3cret',
    };
    const open = {
      PASSWORD_RANGE_URL: 'https://range.internal/api/?key=pa55',
      LOGIN_URL: 'https://:pa55@a.example/?x=pa55',
    };
    const folder = await temporaryFolder();
    const files: Record<string, string> = {};
    for (const [name, value] of Object.entries(given)) {
      files[`${name}_FILE`] = join(folder, name);
      await writeFile(join(folder, name), `${value}\n`);
    }
    const secrets = ['us3r', 'pa55', hash, hash.slice(0, 8), key.split(':')[1] ?? '', 'bl1tz'];
    for (const env of [
      { ...given, ...open },
      { ...files, ...open },
    ]) {
      const { settings, problems } = inspect(env);
      expect(problems).toEqual([]);
      const printed = JSON.stringify(settings);
      for (const secret of secrets) expect(printed).not.toContain(secret);
      expect(valuesOf(env)).toMatchObject({
        DATABASE_URL: 'postgresql://***@db.internal:5432/app',
        DATABASE_REPLICA_URL: 'postgresql://***@replica.internal/app',
        SMTP_URL: 'smtps://***@mail.internal',
        ENCRYPTION_KEYS: 'set',
        SERVICE_KEYS: 'set',
        BLITZ_SECRET: 'set',
        PASSWORD_RANGE_URL: 'https://range.internal/api/?…',
      });
    }
  });

  it('masks a new setting with the name of a secret, also if nothing else declares it one', () => {
    const names = ['WEBHOOK_SECRET', 'API_KEY', 'EXPORTER_HEADERS'];
    const readNew = (environment: Record<string, string | undefined>) => names.map((name) => read(environment, name));
    const { settings } = inspectSettings(Object.fromEntries(names.map((name) => [name, 'x'])), new Set(), [readNew]);
    expect(settings.map(({ value }) => value)).toEqual(['set', 'set', 'set']);
  });

  it('reports each invalid setting once, and none that is invalid only because of another one', () => {
    const env = {
      NODE_ENV: 'production',
      PORT: 'x',
      PUBLIC_URL: 'accounts',
      COOKIE_DOMAIN: 'example.com',
      ENCRYPTION_KEYS: 'x',
      ACCESS_TOKEN_AUDIENCES: 'router',
      SESSION_LIFETIME: '30',
      SMTP_URL: 'smtp://a',
      SMTP_URL_FILE: '/x',
      LOG_LEVEL: 'all',
      BLITZ_COOKIES: 'ä',
    };
    const { problems } = inspect(env, ['PORT']);
    expect(problems.map((problem) => problem.split(' ').find((word) => word in env)).sort()).toEqual(
      ['PORT', 'PUBLIC_URL', 'ENCRYPTION_KEYS', 'SESSION_LIFETIME', 'SMTP_URL', 'LOG_LEVEL', 'BLITZ_COOKIES'].sort(),
    );
    expect(problems[problems.findIndex((problem) => problem.startsWith('PORT'))]).toMatch(
      /The value comes from \.env\.$/,
    );
    expect(inspect({ ACCESS_TOKEN_AUDIENCES: 'router' }).problems).toEqual([
      expect.stringContaining('ENCRYPTION_KEYS is not'),
    ]);
    expect(inspect({ NODE_ENV: 'production' }).problems).toHaveLength(1);
  });
});
