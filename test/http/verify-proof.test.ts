import { describe, expect, it } from 'vitest';
import { password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { addApp, encryptionKeys } from '../support/second-factor.ts';

const minute = 60_000;
const loginPage = {
  url: new URL('https://app.example.com/login'),
  returnOrigins: new Set(['https://app.example.com']),
};

/** Ada, with an authenticator app and a session that has both proofs. */
async function setUp(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  const ada = await api.signUp('ada@example.com', 'BEARER');
  await addApp(api, ada);
  const ask = async (query: string, headers: Record<string, string> = { authorization: `Bearer ${ada.token}` }) => {
    const url = new URL(`/auth/verify?${query}`, api.config.publicUrl);
    return api.app.fetch(new Request(url, { headers }), '10.0.0.1');
  };
  const statusOf = async (query: string) => (await ask(query)).status;
  return { api, ada, ask, statusOf };
}

function pass(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

describe('a proof that a proxy requires', () => {
  it('has a level, and an age that each proof may have', async () => {
    const { api, ada, statusOf } = await setUp();
    expect(await statusOf('acr_values=aal2&max_age=300')).toBe(200);
    pass(api, 6 * minute);
    const answers = async () =>
      Promise.all(['acr_values=aal2', 'acr_values=aal2&max_age=300', 'max_age=300', 'acr_values=aal1'].map(statusOf));
    expect(await answers()).toEqual([200, 401, 401, 200]);
    await ada.act('reauthenticate', { password });
    expect(await answers()).toEqual([200, 401, 200, 200]);
    const bob = await api.signUp('bob@example.com', 'BEARER');
    ada.token = bob.token;
    expect(await answers()).toEqual([401, 401, 200, 200]);
    expect(await statusOf('acr_values=aal2+aal1')).toBe(200);
  });

  it('is named in the answer to a session without it (RFC 9470), which has no identity', async () => {
    const { api, ask } = await setUp();
    pass(api, 6 * minute);
    const { status, headers } = await ask('acr_values=aal2&max_age=300');
    expect([status, headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="graphql-sessions", error="insufficient_user_authentication", ' +
        'error_description="Prove two factors again, then retry.", acr_values="aal2", max_age="300"',
    ]);
    expect([...headers.keys()].filter((name) => name.startsWith('x-auth-'))).toEqual([]);
    const aged = (await ask('max_age=300')).headers.get('www-authenticate');
    expect(aged).toContain('error_description="Prove your identity again, then retry.", max_age="300"');
    const stranger = await ask('acr_values=aal2&max_age=300', {});
    expect([stranger.status, stranger.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="graphql-sessions"',
    ]);
  });

  it('is in the address of the login page, for page visits', async () => {
    const { api, ada, ask } = await setUp({ loginPage });
    pass(api, 6 * minute);
    const visit = { accept: 'text/html', 'x-original-url': 'https://app.example.com/billing' };
    const query = 'acr_values=aal2&max_age=300&signed-out=redirect';
    const location =
      'https://app.example.com/login?acr_values=aal2&max_age=300&return_to=https%3A%2F%2Fapp.example.com%2Fbilling';
    for (const credential of [{ authorization: `Bearer ${ada.token}` }, {}]) {
      const { status, headers } = await ask(query, { ...credential, ...visit });
      expect([status, headers.get('location')]).toEqual([302, location]);
    }
    expect((await ask(query)).status).toBe(401);
  });

  it('is read without mistakes: every other value is refused by the name of its parameter', async () => {
    const { ask } = await setUp();
    const queries: [string, string][] = [
      ['acr_values=aal3', 'acr_values'],
      ['acr_values=', 'acr_values'],
      ['acr_values=constructor', 'acr_values'],
      ['acr_values=aal1&acr_values=aal2', 'acr_values'],
      ['max_age=5m', 'max_age'],
      ['max_age=0', 'max_age'],
      ['max_age=-1', 'max_age'],
      ['max_age=1e3', 'max_age'],
      ['max_age=9999999999', 'max_age'],
      ['max_age=60&max_age=300', 'max_age'],
      ['max_age=60&anonymous=allow', 'max_age'],
    ];
    for (const [query, name] of queries) {
      const response = await ask(query);
      expect([query, response.status]).toEqual([query, 400]);
      expect(await response.text()).toContain(name);
    }
  });
});
