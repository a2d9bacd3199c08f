/** @module-tag slow/process */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../src/database/database.ts';
import { createEncryptionKey } from '../src/encryption/keys.ts';
import { createServiceKey, hashToken } from '../src/tokens/token.ts';
import { type Data, fetchOver, rotating } from './support/api.ts';
import { emptyDatabase, isPostgresql, temporaryFolder } from './support/database.ts';
import { startReceiver } from './support/otlp.ts';
import { runNode, startServer } from './support/process.ts';

const passwords = {
  first: 'correct horse battery staple',
  second: 'another horse battery staple',
  third: 'a third horse battery staple',
  wrong: 'the wrong horse battery staple',
  admin: 'the horse of the administrator',
};

/** Returns all contents of a database as text. */
async function dumpOf(url: string): Promise<string> {
  const database = await openDatabase(url);
  onTestFinished(() => database.$disconnect());
  const names = isPostgresql(url)
    ? await database.$queryRaw<
        { name: string }[]
      >`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`
    : await database.$queryRaw<{ name: string }[]>`SELECT name FROM sqlite_master WHERE type = 'table'`;
  const tables: [string, unknown][] = [];
  // One after the other: PostgreSQL has few connections to spare for a test.
  for (const { name } of names) tables.push([name, await database.$queryRawUnsafe(`SELECT * FROM "${name}"`)]);
  const text = JSON.stringify(tables, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
  // Deleted data may still be in the file of SQLite, and in its log.
  const folder = dirname(url.replace('file:', ''));
  const files = isPostgresql(url) ? [] : await readdir(folder);
  const bytes = await Promise.all(files.map((file) => readFile(join(folder, file), 'latin1')));
  return [text, ...bytes].join();
}

describe('secret', () => {
  it('is nowhere at rest, in no log, no trace and no name of a file, after every operation', async () => {
    const url = await emptyDatabase();
    const mailFolder = join(await temporaryFolder(), 'mail');
    const serviceKey = createServiceKey();
    const env = { DATABASE_URL: url };
    const created = runNode('src/cli.ts', ['create-admin', 'root@example.com'], env, { input: `${passwords.admin}\n` });
    expect((await created.ended).code).toBe(0);
    const encryptionKey = createEncryptionKey();
    const receiver = await startReceiver();
    const receiverKey = createServiceKey();
    const server = await startServer(url, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${receiverKey}`,
      MAIL_FOLDER: mailFolder,
      SERVICE_KEYS: hashToken(serviceKey),
      ENCRYPTION_KEYS: encryptionKey,
      ACCESS_TOKEN_AUDIENCES: 'router',
      LOG_FORMAT: 'json',
    });

    const encryptionSecret = encryptionKey.split(':')[1] ?? '';
    const secrets = new Set<string>([...Object.values(passwords), serviceKey, encryptionSecret, receiverKey]);
    /** Adds the secret part of a token: its handle is not secret. */
    const keep = (token: string) => secrets.add(token.split('.')[1] ?? token);
    const ask = async (query: string, headers: Record<string, string> = {}): Promise<Data> => {
      const { body, cookies } = await fetchOver(server.address, query, headers);
      for (const cookie of cookies) keep(cookie);
      for (const [, token = ''] of JSON.stringify(body).matchAll(/"(?:token|deviceToken|antiCSRFToken)":"([^"]+)"/g))
        keep(token);
      return body;
    };
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    const link = async (name: string): Promise<string> => {
      for (;;) {
        const files = await readdir(mailFolder).catch(() => []);
        const newest = files
          .filter((file) => file.includes(` ${name} `) && file.endsWith('.eml'))
          .sort()
          .at(-1);
        if (newest) {
          const text = await readFile(join(mailFolder, newest), 'utf8');
          const token = /#token=(\S+)/.exec(text)?.[1] ?? '';
          keep(token);
          return token;
        }
        await sleep(100);
      }
    };

    const email = 'ada@example.com';
    const start = '... on SignInPayload { token deviceToken session { id } viewer { id } }';
    const signedUp = await ask(
      `mutation { signUp(email: "${email}", password: "${passwords.first}", transport: BEARER) { ${start} } }`,
    );
    const { viewer } = signedUp.data.signUp;
    let { token } = signedUp.data.signUp;
    await ask('mutation { accessToken(audience: "router") { ... on AccessTokenPayload { token } } }', as(token));
    await ask(`mutation { verifyEmail(token: "${await link('verify-email')}") { __typename } }`, as(token));
    await ask(`mutation { login(email: "${email}", password: "${passwords.wrong}") { __typename } }`);
    await ask(`mutation { login(email: "nobody@example.com", password: "${passwords.wrong}") { __typename } }`);
    const byCookie = await ask(
      `mutation { login(email: "${email}", password: "${passwords.first}") { ... on SignInPayload { antiCSRFToken } } }`,
    );
    await link('new-device');
    const visitors = await ask('mutation { startSession { antiCSRFToken session { antiCSRFToken } } }');
    for (const { antiCSRFToken } of [byCookie.data.login, visitors.data.startSession]) {
      expect(secrets).toContain(antiCSRFToken);
    }
    const proved = await ask(
      `mutation { reauthenticate(password: "${passwords.first}") { ${rotating.reauthenticate} } }`,
      as(token),
    );
    token = proved.data.reauthenticate.token;
    const changed = await ask(
      `mutation { changePassword(currentPassword: "${passwords.first}", newPassword: "${passwords.second}") {
        ${rotating.changePassword} } }`,
      as(token),
    );
    expect(secrets).toContain(changed.data.changePassword.token.split('.')[1]);
    await ask(`mutation { requestPasswordReset(email: "${email}") { email } }`);
    const reset = await ask(
      `mutation { resetPassword(token: "${await link('reset-password')}", newPassword: "${passwords.third}", transport: BEARER) { ${start} } }`,
    );
    const second = reset.data.resetPassword.token;
    await ask(
      `mutation { requestEmailChange(newEmail: "new@example.com", password: "${passwords.third}") { __typename } }`,
      as(second),
    );
    await ask(
      `mutation { confirmEmailChange(token: "${await link('confirm-email-change')}") { __typename } }`,
      as(second),
    );
    for (const name of ['email-changed', 'password-changed']) await link(name);
    const root = await ask(
      `mutation { login(email: "root@example.com", password: "${passwords.admin}", transport: BEARER) { ${start} } }`,
    );
    const admin = root.data.login.token;
    await ask(`mutation { setUserRole(id: "${viewer.id}", role: "editor") { __typename } }`, as(admin));
    await ask(`mutation { createUser(email: "guest@example.com") { __typename } }`, as(admin));
    await link('set-password');
    await ask(
      `mutation { setPrivateData(sessionId: "${reset.data.resetPassword.session.id}", data: {}) { __typename } }`,
      {
        'x-service-key': serviceKey,
      },
    );
    // Requests that make the server log errors.
    await ask('mutation { login(email: 1) { __typename } }');
    await ask(`{ viewer { id } }`, as(`${second}x`));
    await ask(`mutation { suspendUser(id: "${viewer.id}") { __typename } }`, as(admin));
    await ask('mutation { logout { revokedSessionId } }', as(admin));

    expect(secrets.size).toBeGreaterThan(15);
    const dump = await dumpOf(url);
    const names = (await readdir(mailFolder)).join();
    server.child.kill('SIGTERM');
    const { code, stdout, stderr } = await server.ended;
    expect(code).toBe(0);
    expect(stderr).toBe('');
    // It is all there to be looked through.
    for (const sign of ['new@example.com', 'USER_SUSPENDED', 'argon2id', 'A256GCM.']) expect(dump).toContain(sign);
    expect(names).toContain('reset-password');
    for (const sign of [
      '"type":"mutation"',
      '"session":"',
      '"code":"INVALID_CREDENTIALS"',
      '"code":"GRAPHQL_VALIDATION_FAILED"',
    ])
      expect(stdout).toContain(sign);
    const traces = Buffer.concat(receiver.posts.map(({ body }) => body)).toString('latin1');
    for (const sign of ['mutation', 'password check', 'database statement', 'mail send', 'INVALID_CREDENTIALS'])
      expect(traces).toContain(sign);
    expect(receiver.posts[0]?.headers['x-key']).toBe(receiverKey);
    for (const place of [stdout, traces]) expect(place).not.toContain('@example.com');
    for (const secret of secrets) {
      for (const place of [dump, names, stdout, traces, await dumpOf(url)]) expect(place).not.toContain(secret);
    }
    // Handles are no secrets, but a trace has no session and no user.
    for (const [, handle = ''] of stdout.matchAll(/"session":"([^"]+)"/g)) expect(traces).not.toContain(handle);
    expect(names).not.toContain('@');
  });
});
