import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { blitzSettingNames, readBlitzPolicy } from '../src/blitz/config.ts';
import { readConfig } from '../src/config/config.ts';
import { requireNoMisspelling, settingNames } from '../src/config/names.ts';
import { createEncryptionKey } from '../src/encryption/keys.ts';
import { temporaryFolder } from './support/database.ts';

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = readConfig({});
    expect(config).toMatchObject({ databaseUrl: 'file:data/sessions.db', host: '127.0.0.1', port: 4000 });
    expect(config.publicUrl.origin).toBe('http://localhost:4000');
    expect(config.passwords).toMatchObject({ minLength: 15, memoryKiB: 19_456, passes: 2, lanes: 1 });
  });

  it('treats an empty variable as not set', () => {
    expect(readConfig({ PORT: '', HOST: ' ' })).toEqual(readConfig({}));
  });

  it.each([
    ['PORT', ['-1', '65536', '4e3', '0x10', '80a']],
    [
      'DATABASE_URL',
      [
        'data.db',
        'file:',
        'file:x?y',
        'file::memory:',
        'postgres',
        'file://host/x',
        'postgresql://host',
        'postgresql:///db',
      ],
    ],
    [
      'PUBLIC_URL',
      ['example.com', 'ftp://example.com', 'https://example.com/path', 'https://u:p@example.com', 'https://'],
    ],
    [
      'ALLOWED_HOSTS',
      ['*', '*.example.com', 'https://a.example', 'a.example:80', 'a b', 'a/b', '[::1', 'a,,bücher.example'],
    ],
    [
      'COOKIE_DOMAIN',
      [
        'localhost',
        'com',
        '.',
        '.example.com',
        'example.com.',
        '127.0.0.1',
        '1.2',
        '[::1]',
        'https://example.com',
      ].concat(['a.example:80', 'a b.example', 'bücher.example', 'example.com', 'a..b']),
    ],
    ['ALLOWED_ORIGINS', ['*', 'null', 'https://a.example,example.com']],
    ['LOGIN_URL', ['/login', 'ftp://app.example.com', 'https://u@app.example.com', 'https://app.example.com/#login']],
    ['LOGIN_RETURN_ORIGINS', ['https://app.example.com', 'app.example.com', 'https://app.example.com/path']],
    ['SESSION_IDLE_TIMEOUT', ['7', 'x']],
    ['SESSIONS_PER_USER', ['0', '1001', '1.5']],
    ['DEVICE_RETENTION', ['forever']],
    ['DRAIN_TIME', ['5', '-1s']],
    ['DATABASE_POOL_SIZE', ['0', '1001']],
    ['REAUTHENTICATE_AFTER', ['15']],
    ['TRUSTED_PROXIES', ['*', '0.0.0.0/0', '10.0.0.0/33', '10.0.0', '::/0', '10.0.0.1/x', 'localhost']],
    ['PROXY_HEADER', ['x-real-ip']],
    ['FEDERATION', ['yes', '1']],
    ['GRAPHIQL', ['yes', '1', 'TRUE']],
    ['INTROSPECTION', ['off', '0']],
    ['SESSION_LIFETIME', ['0d', '30', '1w', '-1d', '1.5h', '99999d']],
    ['SESSION_RETENTION', ['soon', '3651d']],
    ['ADMIN_ROLES', [',', ' , ']],
    ['PASSWORD_MIN_LENGTH', ['7', '65', 'long']],
    ['ARGON2_MEMORY_KIB', ['19455', '9999999999']],
    ['ARGON2_PASSES', ['1', '101']],
    ['ARGON2_LANES', ['0', '65']],
    ['ACCESS_TOKEN_AUDIENCES', ['a b', 'ü', `https://${'a'.repeat(200)}`]],
    ['ACCESS_TOKEN_LIFETIME', ['59s', '301s', '60', '1h']],
  ])('refuses an invalid %s, with its name and value', (name, values) => {
    for (const value of values) {
      expect(() => readConfig({ [name]: value }), value).toThrow(new RegExp(`^${name} is ".*", but it must `));
    }
  });

  it('refuses audiences of access tokens without encryption keys', () => {
    const read = () => readConfig({ ACCESS_TOKEN_AUDIENCES: 'router' });
    expect(read).toThrow(/^ACCESS_TOKEN_AUDIENCES is set, but ENCRYPTION_KEYS is not/);
    expect(read).toThrow('`create-encryption-key`');
    expect(readConfig({ ENCRYPTION_KEYS: createEncryptionKey() }).accessTokens.audiences.size).toBe(0);
  });

  it('refuses sign-in by email without encryption keys, and sign-up by email without it', () => {
    expect(readConfig({ ENCRYPTION_KEYS: createEncryptionKey() }).emailSignIn).toBeNull();
    expect(() => readConfig({ EMAIL_SIGN_IN: 'true' })).toThrow(/^EMAIL_SIGN_IN is true, but ENCRYPTION_KEYS is not/);
    const keys = { ENCRYPTION_KEYS: createEncryptionKey() };
    expect(() => readConfig({ ...keys, EMAIL_SIGN_UP: 'true' })).toThrow(/^EMAIL_SIGN_UP is true, but EMAIL_SIGN_IN/);
    const both = readConfig({ ...keys, EMAIL_SIGN_IN: 'true', EMAIL_SIGN_UP: 'true' });
    expect(both.emailSignIn).toEqual({ createsAccounts: true });
    expect(readConfig({ ...keys, EMAIL_SIGN_IN: 'true' }).emailSignIn).toEqual({ createsAccounts: false });
  });

  it('takes the host of PUBLIC_URL and the domains above it for COOKIE_DOMAIN', () => {
    const domainOf = (PUBLIC_URL: string, COOKIE_DOMAIN: string) =>
      readConfig({ PUBLIC_URL, COOKIE_DOMAIN }).cookieDomain;
    const url = 'https://accounts.eu.example.com';
    for (const domain of ['accounts.eu.example.com', 'eu.example.com', 'example.com', 'Example.COM']) {
      expect(domainOf(url, domain)).toBe(domain.toLowerCase());
    }
    expect(domainOf(url, ' ')).toBeNull();
    expect(domainOf('http://accounts.dev.localhost:4000', 'dev.localhost')).toBe('dev.localhost');
    for (const domain of ['other.com', 'app.example.com', 'ample.com', 'x.accounts.eu.example.com', 'com']) {
      expect(() => domainOf(url, domain), domain).toThrow(/^COOKIE_DOMAIN is ".*", but it must be /);
    }
    expect(() => domainOf('http://10.0.0.1', '0.0.1')).toThrow(/two or more labels/);
  });

  it('never repeats the password of a database', () => {
    const read = () => readConfig({ DATABASE_URL: 'postgresql://someone:their-password@host' });
    expect(read).toThrow(/^DATABASE_URL is "postgresql:…", but it must be /);
    expect(read).not.toThrow(/their-password|someone/);
  });

  it('never repeats a service key that is configured instead of its hash', () => {
    const read = () => readConfig({ SERVICE_KEYS: 'the-key-itself' });
    expect(read).toThrow(/^SERVICE_KEYS has an entry that is not the SHA-256 of a key/);
    expect(read).not.toThrow(/the-key-itself/);
  });

  it('takes secrets from files, without the newline at their end', async () => {
    const folder = await temporaryFolder();
    const secret = async (name: string, content: string) => {
      await writeFile(join(folder, name), content);
      return join(folder, name);
    };
    const url = 'postgresql://app:secret@db/app';
    const key = createEncryptionKey();
    const config = readConfig({
      DATABASE_URL_FILE: await secret('database', `${url}\n`),
      DATABASE_REPLICA_URL_FILE: await secret('replica', `${url}2\r\n`),
      SMTP_URL_FILE: await secret('smtp', 'smtps://app:secret@mail'),
      ENCRYPTION_KEYS_FILE: await secret('encryption', `${key}\n`),
      SERVICE_KEYS_FILE: await secret('service', `${'a'.repeat(64)}\n`),
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
      OTEL_EXPORTER_OTLP_HEADERS_FILE: await secret('headers', 'key=secret\n'),
    });
    expect(config).toMatchObject({ databaseUrl: url, databaseReplicaUrl: `${url}2` });
    expect(config.traces?.headers).toEqual({ key: 'secret' });
    expect(config).toMatchObject({ mail: { smtpUrl: 'smtps://app:secret@mail' }, hashedServiceKeys: ['a'.repeat(64)] });
    expect(config.encryptionKeys).toEqual(readConfig({ ENCRYPTION_KEYS: key }).encryptionKeys);
    const blitz = { BLITZ_COOKIES: 'app', BLITZ_SECRET_FILE: await secret('blitz', ' a secret \n') };
    expect(readBlitzPolicy(blitz)?.secret).toBe('a secret');
  });

  it('refuses a secret from two places, and a file that is missing, unreadable or empty, by name', async () => {
    const folder = await temporaryFolder();
    const empty = join(folder, 'empty');
    await writeFile(empty, '\n');
    const messageOf = (env: Record<string, string>) => {
      try {
        readConfig(env);
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(messageOf({ SMTP_URL: 'smtp://x', SMTP_URL_FILE: empty })).toBe(
      'SMTP_URL and SMTP_URL_FILE are both set. Set one of them.',
    );
    expect(messageOf({ SMTP_URL_FILE: empty })).toBe(`SMTP_URL_FILE is "${empty}", but this file is empty.`);
    expect(messageOf({ DATABASE_URL_FILE: folder })).toBe(
      `DATABASE_URL_FILE is "${folder}", but this file cannot be read: EISDIR.`,
    );
    expect(messageOf({ SERVICE_KEYS_FILE: join(folder, 'missing') })).toMatch(
      /^SERVICE_KEYS_FILE is ".*missing", but this file cannot be read: ENOENT\.$/,
    );
    // An empty variable is not set.
    expect(readConfig({ SMTP_URL_FILE: '' }).mail.smtpUrl).toBeNull();
  });

  it('refuses in production a configuration that would send cookies unencrypted', () => {
    expect(() => readConfig({ NODE_ENV: 'production' })).toThrow(
      /^PUBLIC_URL is "http:\/\/localhost:4000", but it must/,
    );
    const config = readConfig({ NODE_ENV: 'production', PUBLIC_URL: 'https://accounts.example.com' });
    expect(config.graphiql).toBe(false);
    expect(config.allowsLoopbackHosts).toBe(false);
    expect(readConfig({}).allowsLoopbackHosts).toBe(true);
    expect(readConfig({ GRAPHIQL: 'true', NODE_ENV: 'production', PUBLIC_URL: 'https://a.example' }).graphiql).toBe(
      true,
    );
  });

  describe('of traces', () => {
    const endpoint = 'http://localhost:4318';

    it('is read from the variables of OpenTelemetry, those for traces first', () => {
      expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/base/` }).traces?.url.href).toBe(
        `${endpoint}/base/v1/traces`,
      );
      const { traces } = readConfig({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '.25',
      });
      expect(traces).toMatchObject({ headers: { b: '2' }, ratio: 0.25, isParentBased: false, timeoutMs: 10_000 });
      expect(traces?.url.href).toBe(`${endpoint}/`);
    });

    it.each([
      ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318'],
      ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://localhost:4317'],
      ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'not a URL'],
      ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
      ['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'br'],
      ['OTEL_EXPORTER_OTLP_TIMEOUT', '0'],
      ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
      ['OTEL_TRACES_EXPORTER', 'console'],
      ['OTEL_RESOURCE_ATTRIBUTES', 'name'],
    ])('is refused with %s=%s, in a sentence with the name', (name, value) => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, [name]: value };
      expect(() => readConfig(env)).toThrow(new RegExp(`\\b${name} (is|is not)\\b`));
      // The variables may be meant for other programs.
      if (!name.endsWith('ENDPOINT')) expect(readConfig({ ...env, OTEL_EXPORTER_OTLP_ENDPOINT: '' }).traces).toBeNull();
    });

    it.each(['1.1', '-1', 'x'])('is refused with the share %s', (ratio) => {
      const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: ratio };
      expect(() => readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...sampler })).toThrow(
        'OTEL_TRACES_SAMPLER_ARG',
      );
    });

    it.each([
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:the-secret@collector' },
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://collector?key=the-secret' },
      { OTEL_EXPORTER_OTLP_HEADERS: 'the-secret' },
      { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=the-secret%' },
      { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=the-secret%00' },
      { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'not a name=the-secret' },
    ])('is refused without its secrets: %o', (settings) => {
      const read = () => readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...settings });
      expect(read).toThrow(/OTEL_EXPORTER_OTLP_/);
      expect(read).not.toThrow(/the-secret/);
    });
  });

  it('is documented in .env.example, with every variable and its default', async () => {
    const example = await readFile('.env.example', 'utf8');
    const readers = (await readdir('src', { recursive: true })).filter((file) =>
      /config\/.*\.ts$|config\.ts$/.test(file),
    );
    const source = (await Promise.all(readers.map((file) => readFile(`src/${file}`, 'utf8')))).join();
    const names = new Set([...source.matchAll(/\benvironment, '([A-Z0-9_]+)'/g)].map(([, name]) => name));
    expect(names.size).toBeGreaterThan(10);
    expect(new Set([...settingNames, ...blitzSettingNames])).toEqual(names);
    const documented = parseEnv(example.replace(/^# ?(?=[A-Z0-9_]+=)/gm, ''));
    expect(new Set(Object.keys(documented))).toEqual(names);
    expect(readConfig(documented)).toEqual(readConfig({}));
  });
});

describe('misspelled name of a setting', () => {
  const check = (env: Record<string, string>) => requireNoMisspelling(env, blitzSettingNames);

  it.each([
    ['ALOWED_ORIGINS', 'ALLOWED_ORIGINS'],
    ['ALLOWED_ORGINS', 'ALLOWED_ORIGINS'],
    ['allowed_origins', 'ALLOWED_ORIGINS'],
    ['ALLOWEDORIGINS', 'ALLOWED_ORIGINS'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_ULR', 'DATABASE_URL'],
    ['SMPT_URL', 'SMTP_URL'],
    ['TRUSTED_PROXYES', 'TRUSTED_PROXIES'],
    ['SESSION_IDEL_TIMEOUT', 'SESSION_IDLE_TIMEOUT'],
    ['ENCRIPTION_KEYS', 'ENCRYPTION_KEYS'],
    ['DATABSE_URL_FILE', 'DATABASE_URL_FILE'],
    ['BLITZ_COKIES', 'BLITZ_COOKIES'],
  ])('%s is refused, with the name that was meant and without the value', (name, meant) => {
    expect(() => check({ [name]: 'the value' })).toThrow(`${name} is not a setting. Did you mean ${meant}?`);
    expect(() => check({ [name]: 'the value' })).not.toThrow(/the value/);
    // The way out, if the variable belongs to another program.
    expect(() => check({ [name]: 'x', [meant]: '' })).not.toThrow();
  });

  it('is refused for one wrong, missing or doubled letter of any longer word', () => {
    for (const name of settingNames.filter((one) => one.includes('_') && one !== 'NODE_ENV')) {
      for (const word of name.split('_').filter((one) => one.length >= 5)) {
        const wrong = [
          `${word[0]}${word}`,
          word.replace(/^(..)./, '$1'),
          word.replace(/^(..)./, word[2] === 'Q' ? '$1X' : '$1Q'),
        ];
        for (const one of wrong) expect(() => check({ [name.replace(word, one)]: '' }), one).toThrow('Did you mean');
      }
    }
  });

  it('is not found in the variables of other programs', () => {
    const others =
      `PORTS HOSTS POST SORT GHOST HOSTNAME HOME PATH USER SHELL LANG TZ PWD TERM GRAPHQL API_URL APP_URI SMTP_URI
      SMTP_HOST SMTP_PORT SMTP_USER SMTP_PASSWORD DATABASE_URI DATABASE_HOST DATABASE_PORT DATABASE_NAME DATABASE_URLS
      EMAIL_FROM MAIL_HOST MAIL_PORT SESSION_SECRET SESSION_SECRET_KEY ACCESS_TOKEN ACCESS_TOKEN_SECRET SERVICE_NAME
      SERVICE_KEY ENCRYPTION_KEY ADMIN_ROLE ADMIN_EMAIL ADMIN_PASSWORD ALLOWED_HOST COOKIE_SECRET COOKIE_NAME PUBLIC_KEY
      NODE_OPTIONS NODE_PATH NODE_VERSION PGHOST PGPASSWORD POSTGRES_URL KUBERNETES_SERVICE_HOST KUBERNETES_PORT
      GITHUB_TOKEN npm_config_cache npm_lifecycle_event LC_ALL DEBUG CI OTEL_SERVICE_NAME HOTEL_SERVICE_NAME
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT OTEL_EXPORTER_OTLP_METRICS_HEADERS OTEL_LOGS_EXPORTER OTEL_PROPAGATORS REDIS_URL LOG_LEVEL
      PUBLIC_API_URL NEXT_PUBLIC_URL APP_NAME APP_ENV APP_KEY LOGIN_URI AUDIT_LOG HTTP_PROXY NO_PROXY http_proxy
      DATABASE_PASSWORD_FILE POSTGRES_PASSWORD_FILE SSH_AUTH_SOCK XDG_SESSION_ID XDG_SESSION_TYPE`.split(/\s+/);
    expect(() => check(Object.fromEntries(others.map((name) => [name, 'x'])))).not.toThrow();
  });
});
