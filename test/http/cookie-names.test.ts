import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/server.ts';
import { hashToken } from '../../src/tokens/token.ts';
import { type Data, password, startApi, type TestApi } from '../support/api.ts';
import { framings, rawOperation, sendRaw } from '../support/raw.ts';

/** Bytes that `String.trim` strips and HTTP does not, and U+FEFF and U+00A0 in UTF-8. */
const bytes = ['\xa0', '\x0b', '\x0c', '\xfe\xff', '\xef\xbb\xbf', '\xc2\xa0', '\x85'];

const me = '{ viewer { email } }';
const login = `mutation { login(email: "ada@example.com", password: "${password}") { __typename } }`;

/** Sends the operation with the cookies over a socket, to each adapter. */
async function sendTo(api: TestApi): Promise<(query: string, cookies: string[]) => Promise<string[]>> {
  const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  const host = `Host: ${api.config.publicUrl.host}`;
  return async (query, cookies) => {
    const answers: string[] = [];
    for (const framing of framings) {
      answers.push(await sendRaw(port, rawOperation(framing, query, [host, `Cookie: ${cookies.join('; ')}`])));
    }
    return answers;
  };
}

/** The cookie with each of the bytes before and after its name. */
function disguised(cookie: string): string[] {
  const [name, ...value] = cookie.split('=');
  return bytes.flatMap((byte) => [`${byte}${cookie}`, `${name}${byte}=${value.join('=')}`, `${byte} ${cookie}`]);
}

const overHttps = { publicUrl: new URL('https://accounts.example.com') };
const origins = [{}, overHttps];

describe('cookie name', () => {
  it.each(origins)('is that of a session only without any other byte beside it %#', async (settings) => {
    const api = await startApi(settings);
    const ada = await api.signUp('ada@example.com');
    const send = await sendTo(api);
    const real = ada.cookie ?? '';
    for (const answer of [...(await send(me, [real])), ...(await send(me, ['a=1', `\t ${real} \t`]))]) {
      expect(answer).toContain('ada@example.com');
    }
    for (const cookie of disguised(real)) {
      for (const answer of await send(me, [cookie])) {
        // A control character is no part of a header, and is refused.
        expect(answer, JSON.stringify(cookie)).toMatch(/^HTTP\/1\.1 (400|200)/);
        expect(answer).not.toContain('ada@example.com');
        // Nothing is cleared either: it is not our cookie.
        expect(answer).not.toMatch(/set-cookie/i);
      }
      for (const answer of await send(me, [cookie, real])) {
        expect(answer.startsWith('HTTP/1.1 400') || answer.includes('ada@example.com')).toBe(true);
      }
    }
  });

  it.each(origins)('is that of a device only without any other byte beside it %#', async (settings) => {
    const api = await startApi({ ...settings, attempts: { perAccount: 1, perAddress: 1_000, signUpsPerAddress: 100 } });
    const ada = await api.signUp('ada@example.com');
    const send = await sendTo(api);
    const device = ada.deviceCookie ?? '';
    await api.client().login('ada@example.com', 'BEARER', 'not the password at all');
    for (const answer of await send(login, [device])) expect(answer).toContain('SignInPayload');
    await api.client().login('ada@example.com', 'BEARER', 'not the password at all');
    for (const cookie of disguised(device)) {
      for (const answer of await send(login, [cookie])) expect(answer).toMatch(/^HTTP\/1\.1 400|RateLimitedError/);
    }
  });

  it('is one of Blitz.js only without any other byte beside it', async () => {
    const api = await startApi({ blitz: { cookiePrefixes: ['blitz'], secret: 'default-dev-secret' } });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const send = await sendTo(api);
    const where = { hashedSessionToken: hashToken(ada.token ?? '') };
    const { id: _, ...columns } = await api.database.session.findFirstOrThrow({ where });
    const handle = `${'h'.repeat(32)}:ots`;
    const token = Buffer.from(`${handle};random;hash;v0`).toString('base64');
    await api.database.session.create({ data: { ...columns, handle, hashedSessionToken: hashToken(token) } });
    for (const name of ['sSessionToken', 'blitz_sSessionToken']) {
      const real = `${name}=${encodeURIComponent(token)}`;
      for (const answer of await send(me, [real])) expect(answer).toContain('ada@example.com');
      for (const cookie of disguised(real)) {
        for (const answer of await send(me, [cookie])) expect(answer).not.toContain('ada@example.com');
      }
    }
    const fixture: Data = JSON.parse(await readFile('test/fixtures/blitz/fixture.json', 'utf8'));
    const { cookies } = fixture.sessions.find(({ label }: Data) => label.startsWith('modern-anonymous'));
    const [visitor] = Object.entries(cookies)
      .filter(([name]) => name.endsWith('sAnonymousSessionToken'))
      .map(([name, value]) => `${name}=${value}`);
    for (const answer of await send(login, [`${visitor}`]))
      expect(answer).toMatch(/sAnonymousSessionToken=; Max-Age=0/);
    for (const cookie of disguised(`${visitor}`)) {
      for (const answer of await send(login, [cookie])) expect(answer).not.toMatch(/sAnonymousSessionToken/);
    }
  });
});

describe('other headers', () => {
  it('have SP and HTAB for whitespace, and nothing else', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
    onTestFinished(stop);
    const send = (header: string) =>
      Promise.all(framings.map((framing) => sendRaw(port, rawOperation(framing, me, ['Host: localhost', header]))));
    for (const answer of await send(`Authorization:\t Bearer  ${ada.token} \t`)) {
      expect(answer).toContain('ada@example.com');
    }
    for (const byte of bytes) {
      for (const value of [`Bearer ${byte}${ada.token}`, `Bearer ${ada.token}${byte}`, `${byte}Bearer ${ada.token}`]) {
        for (const answer of await send(`Authorization: ${value}`)) expect(answer).not.toContain('ada@example.com');
      }
    }
    const request = (type: string) =>
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: 2\r\n\r\n{}`;
    for (const byte of bytes) {
      for (const type of [`application/json${byte}`, `${byte}application/json`]) {
        const answer = await sendRaw(port, request(type));
        expect(answer, JSON.stringify(type)).toMatch(/^HTTP\/1\.1 4(00|15) /);
      }
    }
  });
});
