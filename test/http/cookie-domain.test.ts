import { describe, expect, it } from 'vitest';
import { type App, createApp } from '../../src/http/front-door.ts';
import { type Answer, Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { pausingBeforeAnswer } from '../support/pausing.ts';
import { signInMutation } from '../support/sign-ins.ts';

const email = 'ada@example.com';
const me = '{ viewer { email } }';
const host = 'accounts.example.com';
const publicUrl = new URL(`https://${host}`);
const withDomain = { publicUrl, cookieDomain: 'example.com' };
const withoutDomain = { publicUrl };
const signedIn = { viewer: { email } };
const signedOut = { viewer: null };

type Stored = { name: string; value: string; domain: string; isHostOnly: boolean; isSecure: boolean };

/** The cookies of a browser, by the rules of RFC 6265bis section 5.7 that concern names and domains. */
class Jar {
  cookies: Stored[] = [];

  store(from: string, lines: string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split('; ');
      const [name = '', value = ''] = pair.split('=');
      const given = attributes.find((attribute) => attribute.startsWith('Domain='))?.slice('Domain='.length);
      const domain = given ?? from;
      const isSecure = attributes.includes('Secure');
      if (domain !== from && !from.endsWith(`.${domain}`)) continue;
      if (/^__(Host|Secure)-/.test(name) && !isSecure) continue;
      if (name.startsWith('__Host-') && given !== undefined) continue;
      const stored = { name, value, domain, isHostOnly: given === undefined, isSecure };
      this.cookies = this.cookies.filter((one) => keyOf(one) !== keyOf(stored));
      if (!attributes.includes('Max-Age=0')) this.cookies.push(stored);
    }
  }

  /** Returns the pairs that the browser sends to a host. */
  sentTo(to: string): string[] {
    const isFor = ({ domain, isHostOnly }: Stored) => to === domain || (!isHostOnly && to.endsWith(`.${domain}`));
    return this.cookies.filter(isFor).map(({ name, value }) => `${name}=${value}`);
  }

  /** Returns the session cookies, each with its domain. */
  get sessions(): string[] {
    const ours = this.cookies.filter(({ name }) => name.endsWith('session'));
    return ours.map(({ name, domain, isHostOnly }) => `${name} of ${isHostOnly ? '' : '.'}${domain}`).sort();
  }
}

const keyOf = ({ name, domain, isHostOnly }: Stored) => `${name} ${domain} ${isHostOnly}`;

/** A browser with a user, on servers with different settings and one database. */
class Browser {
  readonly jar = new Jar();
  antiCSRFToken: string | null = null;

  async send(server: Server, query: string): Promise<Answer> {
    const client = Object.assign(new Client(server.app, server.publicUrl), { antiCSRFToken: this.antiCSRFToken });
    const sent = this.jar.sentTo(server.publicUrl.hostname);
    const answer = await client.send(query, {}, sent.length === 0 ? {} : { cookie: sent.join('; ') });
    this.jar.store(server.publicUrl.hostname, answer.headers.getSetCookie());
    return answer;
  }

  async viewer(server: Server): Promise<Data> {
    return (await this.send(server, me)).data;
  }

  /** Logs in, also beside a session whose anti-CSRF token the page does not know any more. */
  async login(server: Server, extra = ''): Promise<Answer> {
    const asked = await this.send(server, '{ currentSession { antiCSRFToken } }');
    this.antiCSRFToken = asked.data.currentSession?.antiCSRFToken ?? null;
    const answer = await this.send(server, signInMutation('login', { email, password }, extra));
    this.antiCSRFToken = answer.data.login.antiCSRFToken;
    return answer;
  }

  logout(server: Server): Promise<Answer> {
    return this.send(server, 'mutation { logout { revokedSessionId } }');
  }
}

type Server = { app: App; publicUrl: URL };

/** Starts servers with these settings on one database, which has a user. */
async function serversWith(...settings: Settings[]): Promise<{ api: TestApi; servers: Server[]; browser: Browser }> {
  const api = await startApi(settings[0]);
  await api.signUp(email, 'BEARER');
  const { database, config, legacySessions } = api;
  const servers = settings.map((given) => {
    const { sessions: _sessions, attempts: _attempts, secondFactor: _factor, blitz: _blitz, ...rest } = given;
    const own = { ...config, cookieDomain: null, ...rest };
    const now = () => api.clock.now;
    const report = (error: unknown) => api.reported.push(error);
    return { app: createApp({ database, config: own, report, now, legacySessions }), publicUrl: own.publicUrl };
  });
  return { api, servers, browser: new Browser() };
}

/** Returns one of the servers, which exists. */
function at(servers: Server[], index: number): Server {
  const server = servers[index];
  if (!server) throw new Error(`There is no server ${index}.`);
  return server;
}

describe('session cookie with a domain', () => {
  it('has the name __Secure-session and the domain over https, and the device cookie stays with the host', async () => {
    const { servers, browser } = await serversWith(withDomain);
    const { headers } = await browser.login(at(servers, 0));
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Secure-session=[\w.-]+; Max-Age=2592000; Domain=example\.com; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
      ),
      expect.stringMatching(/^__Host-device=[\w.-]+; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax; Secure$/),
    ]);
    expect(await browser.viewer(at(servers, 0))).toEqual(signedIn);
  });

  it('is plain over http, for development', async () => {
    const settings = { publicUrl: new URL('http://accounts.dev.localhost:4000'), cookieDomain: 'dev.localhost' };
    const { servers, browser } = await serversWith(settings);
    const { headers } = await browser.login(at(servers, 0));
    expect(headers.getSetCookie()[0]).toMatch(
      /^session=[\w.-]+; Max-Age=2592000; Domain=dev\.localhost; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    expect(await browser.viewer(at(servers, 0))).toEqual(signedIn);
  });

  it('reaches the hosts below the domain, and no others', async () => {
    const { servers, browser } = await serversWith(withDomain);
    await browser.login(at(servers, 0));
    for (const one of ['example.com', 'app.example.com', 'a.b.example.com', host]) {
      expect(browser.jar.sentTo(one), one).toContainEqual(expect.stringMatching(/^__Secure-session=/));
    }
    expect(browser.jar.sentTo('app.example.com')).toHaveLength(1);
    expect(browser.jar.sentTo('badexample.com')).toEqual([]);
  });

  it('ends with the browser if the login says so, also after a new token', async () => {
    const { servers, browser } = await serversWith(withDomain);
    const reauthenticate = `mutation { reauthenticate(password: "${password}") { __typename } }`;
    const login = await browser.login(at(servers, 0), 'remember: false');
    for (const { headers } of [login, await browser.send(at(servers, 0), reauthenticate)]) {
      expect(headers.getSetCookie().at(headers === login.headers ? 0 : -1)).toMatch(
        /^__Secure-session=[\w.-]+; Domain=example\.com; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
      );
    }
    expect(browser.jar.sessions).toEqual(['__Secure-session of .example.com']);
    expect(await browser.viewer(at(servers, 0))).toEqual(signedIn);
  });

  it('is gone after a logout', async () => {
    const { servers, browser } = await serversWith(withDomain);
    await browser.login(at(servers, 0));
    await browser.logout(at(servers, 0));
    expect(browser.jar.sessions).toEqual([]);
  });

  it('is no session if there are two, because one was planted; both are cleared', async () => {
    const { servers, browser } = await serversWith(withDomain);
    await browser.login(at(servers, 0));
    const eve = new Browser();
    await eve.login(at(servers, 0));
    const [planted = ''] = eve.jar.sentTo('evil.accounts.example.com');
    browser.jar.store('evil.accounts.example.com', [`${planted}; Domain=${host}; Path=/; Secure`]);
    expect(browser.jar.sessions).toHaveLength(2);
    expect(await browser.viewer(at(servers, 0))).toEqual(signedOut);
    expect(browser.jar.sessions).toEqual([]);
    await browser.login(at(servers, 0));
    expect(await browser.viewer(at(servers, 0))).toEqual(signedIn);
  });
});

describe('session cookie when a domain is added', () => {
  it('moves to the domain with the first request, so that nobody is signed out', async () => {
    const { api, servers, browser } = await serversWith(withoutDomain, withDomain);
    const [before, after] = [at(servers, 0), at(servers, 1)];
    await browser.login(before);
    expect(browser.jar.sessions).toEqual([`__Host-session of ${host}`]);
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    const { data, headers } = await browser.send(after, me);
    expect(data).toEqual(signedIn);
    expect(headers.getSetCookie()).toEqual([
      '__Host-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure',
      expect.stringMatching(/^__Secure-session=[\w.-]+; Max-Age=2591940; Domain=example\.com; Path=\//),
    ]);
    expect(browser.jar.sessions).toEqual(['__Secure-session of .example.com']);
    // The page keeps its anti-CSRF token.
    const again = await browser.send(after, 'mutation { setPublicData(data: { a: 1 }) { __typename } }');
    expect(again.data.setPublicData.__typename).toBe('SessionDataPayload');
    expect(again.headers.getSetCookie()).toEqual([]);
  });

  it('has precedence with a domain, and the old one goes with the next login or logout', async () => {
    for (const leaving of ['login', 'logout'] as const) {
      const { api, servers, browser } = await serversWith(withoutDomain, withDomain);
      const [before, after] = [at(servers, 0), at(servers, 1)];
      const older = new Browser();
      await older.login(before);
      await browser.login(after);
      const newer = await api.database.session.findFirst({ orderBy: { id: 'desc' } });
      browser.jar.cookies.push(...older.jar.cookies.filter(({ name }) => name === '__Host-session'));
      expect(browser.jar.sessions).toHaveLength(2);
      const { currentSession } = (await browser.send(after, '{ currentSession { handle } }')).data;
      expect(currentSession.handle).toBe(newer?.handle);
      await browser[leaving](after);
      expect(browser.jar.sessions).toEqual(leaving === 'login' ? ['__Secure-session of .example.com'] : []);
    }
  });

  it('opens its session if another host has planted one that opens none', async () => {
    const { servers, browser } = await serversWith(withoutDomain, withDomain);
    await browser.login(at(servers, 0));
    browser.jar.store('evil.example.com', ['__Secure-session=planted; Domain=example.com; Path=/; Secure']);
    expect(await browser.viewer(at(servers, 1))).toEqual(signedIn);
    expect(browser.jar.sessions).toEqual(['__Secure-session of .example.com']);
    expect(await browser.viewer(at(servers, 1))).toEqual(signedIn);
  });

  it('does not move after the session has ended, however late the answer is', async () => {
    const { api, servers, browser } = await serversWith(withDomain, withoutDomain);
    await browser.login(at(servers, 1));
    const late = pausingBeforeAnswer(api);
    const cookie = browser.jar.sentTo(host).join('; ');
    const answer = late.client.send(me, {}, { cookie });
    await late.reached;
    await browser.logout(at(servers, 1));
    late.resume();
    expect((await answer).data).toEqual(signedIn);
    expect((await answer).headers.getSetCookie()).toEqual([]);
  });
});

describe('session cookie when a domain is removed', () => {
  it('counts no longer, because any host below the domain may have set it', async () => {
    const { servers, browser } = await serversWith(withDomain, withoutDomain);
    const [before, after] = [at(servers, 0), at(servers, 1)];
    await browser.login(before);
    expect(await browser.viewer(after)).toEqual(signedOut);
    expect((await browser.logout(after)).data.logout.revokedSessionId).toBeNull();
    expect(await browser.viewer(before)).toEqual(signedIn);
  });

  it.each(['example.com', 'eu.example.com', 'accounts.eu.example.com'])(
    'is cleared by the next login: %s',
    async (cookieDomain) => {
      const settings = { publicUrl: new URL('https://accounts.eu.example.com') };
      const { servers, browser } = await serversWith({ ...settings, cookieDomain }, settings);
      const [before, after] = [at(servers, 0), at(servers, 1)];
      await browser.login(before);
      const { headers } = await browser.login(after);
      expect(browser.jar.sessions).toEqual(['__Host-session of accounts.eu.example.com']);
      expect(await browser.viewer(after)).toEqual(signedIn);
      // One for each domain that the cookie may have, and none for the top-level domain.
      expect(headers.getSetCookie().filter((line) => line.startsWith('__Secure-session=;'))).toHaveLength(3);
    },
  );

  it('is never mentioned to a browser that does not send it', async () => {
    const { servers, browser } = await serversWith(withoutDomain);
    for (const answer of [await browser.login(at(servers, 0)), await browser.logout(at(servers, 0))]) {
      expect(answer.headers.getSetCookie().join()).not.toContain('__Secure-session');
    }
  });
});

describe('session cookie when the domain changes', () => {
  it.each([
    ['https://accounts.eu.example.com', 'example.com', 'eu.example.com'],
    ['https://accounts.eu.example.com', 'eu.example.com', 'example.com'],
    ['https://accounts.example.com', 'example.com', 'accounts.example.com'],
    ['http://accounts.dev.localhost:4000', null, 'dev.localhost'],
    ['http://accounts.dev.localhost:4000', 'dev.localhost', null],
    ['http://accounts.dev.localhost:4000', 'accounts.dev.localhost', null],
  ])('is one cookie again after the next login: %s, %s to %s', async (url, from, to) => {
    const settings = { publicUrl: new URL(url) };
    const { servers, browser } = await serversWith(
      { ...settings, cookieDomain: from },
      { ...settings, cookieDomain: to },
    );
    const [before, after] = [at(servers, 0), at(servers, 1)];
    await browser.login(before);
    expect(await browser.viewer(after)).toEqual(signedIn);
    await browser.login(after);
    expect(browser.jar.sessions).toHaveLength(1);
    expect(browser.jar.sessions[0]).toMatch(to === null ? / of [a-z]/ : new RegExp(` of \\.${to}$`));
    expect(await browser.viewer(after)).toEqual(signedIn);
    await browser.logout(after);
    expect(browser.jar.sessions).toEqual([]);
  });
});
