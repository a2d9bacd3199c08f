import Bowser from 'bowser';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { createApp } from '../../src/http/front-door.ts';
import { Client, startApi } from '../support/api.ts';

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0';
const login = `mutation { login(email: "ada@example.com", password: "correct horse battery staple", transport: BEARER) {
  ... on SignInPayload { token session { userAgent clientName ipAddress } } } }`;

describe('clientName of a session', () => {
  it('names the client in words for people', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const agents: [string, string | null][] = [
      [firefox, 'Firefox on Windows'],
      [
        'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
        'Safari on iOS',
      ],
      ['curl/8.5.0', 'curl'],
      ['???', null],
    ];
    for (const [agent, name] of agents) {
      const { data } = await api.client().send(login, {}, { 'user-agent': agent });
      expect(data.login.session).toEqual({ userAgent: agent, clientName: name, ipAddress: null });
    }
    const { data } = await api.client().send(login, {}, { 'user-agent': 'x'.repeat(10_000) });
    expect(data.login.session.userAgent).toHaveLength(512);
  });

  it('is parsed once per user agent, for any number of requests', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { id } = await api.database.user.findFirstOrThrow();
    const agents = [1, 2, 3].map((n) => firefox.replaceAll('128.0', `${n}.0.${Date.now()}`));
    const ended = Array.from({ length: 60 }, (_, n) => ({
      handle: `h${n}`,
      userId: id,
      expiresAt: new Date(n),
      userAgent: agents[n % 3] ?? null,
    }));
    await api.database.session.createMany({ data: ended });
    const parse = vi.spyOn(Bowser, 'parse');
    onTestFinished(() => parse.mockRestore());
    const devices = Array.from({ length: 20 }, (_, n) => `d${n}: clientName`).join(' ');
    const { viewer } = await ada.ask(`{ viewer { sessions(includeEnded: true) { ${devices} } } }`);
    expect(viewer.sessions).toHaveLength(61);
    expect(viewer.sessions[1].d19).toBe('Firefox on Windows');
    expect(parse).toHaveBeenCalledTimes(3);
  });

  it('is the client of its last recorded use', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const ada = api.client();
    ada.token = (await ada.send(login, {}, { 'user-agent': 'curl/8.5.0' })).data.login.token;
    const query = '{ currentSession { clientName } }';
    expect((await ada.send(query, {}, { 'user-agent': firefox })).data.currentSession.clientName).toBe('curl');
    api.clock.now = new Date(api.clock.now.getTime() + 86_400_000);
    const { data } = await ada.send(query, {}, { 'user-agent': firefox, 'sec-fetch-site': 'same-origin' });
    expect(data.currentSession.clientName).toBe('Firefox on Windows');
  });
});

describe('ipAddress of a session', () => {
  it('is that of the connection, or of the client behind trusted proxies', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const address = async (env: Record<string, string>, peer: string, headers: Record<string, string>) => {
      const app = createApp({ database: api.database, config: readConfig(env), report: () => {} });
      const client = new Client({ fetch: (request) => app.fetch(request, peer) }, api.config.publicUrl);
      return (await client.send(login, {}, headers)).data.login.session.ipAddress;
    };
    const forwarded = { 'x-forwarded-for': '203.0.113.9, 10.0.0.7' };
    expect(await address({}, '198.51.100.1', forwarded)).toBe('198.51.100.1');
    expect(await address({}, '::ffff:198.51.100.1', {})).toBe('198.51.100.1');
    expect(await address({ TRUSTED_PROXIES: '10.0.0.0/8' }, '10.0.0.1', forwarded)).toBe('203.0.113.9');
    expect(await address({ TRUSTED_PROXIES: '10.0.0.0/8' }, '198.51.100.1', forwarded)).toBe('198.51.100.1');
  });
});
