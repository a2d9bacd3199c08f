import { describe, expect, it } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { password, startApi, type TestApi } from '../support/api.ts';
import { signInMutation, signIns } from '../support/sign-ins.ts';

const origin = 'https://app.other.example';
const crossSite = { origin, 'sec-fetch-site': 'cross-site' };
const me = '{ viewer { email } }';

/** Every mutation that may start a session, with a function that prepares it and returns it as GraphQL. */
const starts: Record<string, (api: TestApi, transport: string) => Promise<string>> = {
  ...Object.fromEntries(
    Object.entries(signIns).map(([field, prepare]) => [
      field,
      async (api: TestApi, transport: string) => signInMutation(field, await prepare(api), `transport: ${transport}`),
    ]),
  ),
  startSession: async (_api, transport) => `mutation { startSession(transport: ${transport}) { token } }`,
  setPublicData: async (_api, transport) =>
    `mutation { setPublicData(data: { a: 1 }, transport: ${transport}) { ... on SessionDataPayload { token } } }`,
};

/** The mutations that set only the cookie of the device. */
const begins = ['startAuthenticatorApp', 'requestEmailSignIn'];

/** Returns everything that a sign-in may write. */
async function stored({ database }: TestApi): Promise<unknown> {
  return {
    sessions: await database.session.findMany(),
    users: await database.user.findMany(),
    tokens: await database.userToken.findMany(),
    events: await database.auditEvent.findMany(),
    counters: await database.rateLimit.findMany(),
  };
}

describe('session cookie for a page of another site', () => {
  it('is tested for every mutation that takes a transport', () => {
    const fields = Object.values(schema.getMutationType()?.getFields() ?? {});
    const named = fields.filter(({ args }) => args.some(({ name }) => name === 'transport')).map(({ name }) => name);
    expect(named.sort()).toEqual([...Object.keys(starts), ...begins].sort());
  });

  it.each(Object.entries(starts))('is refused, and nothing happens: %s', async (field, prepare) => {
    const api = await startApi({ allowedOrigins: new Set([origin]) });
    const mutation = await prepare(api, 'COOKIE');
    const before = await stored(api);
    const { status, code, data, errors, headers } = await api.client().send(mutation, {}, crossSite);
    expect({ status, code, data }).toEqual({ status: 200, code: 'CROSS_SITE_COOKIE', data: { [field]: null } });
    expect(errors[0].message).toMatch(/transport: BEARER.*one site/);
    expect(headers.getSetCookie()).toEqual([]);
    expect(await stored(api)).toEqual(before);
  });

  it.each(Object.entries(starts))('is not needed for a bearer token: %s', async (field, prepare) => {
    const api = await startApi({ allowedOrigins: new Set([origin]) });
    const { data } = await api.client().send(await prepare(api, 'BEARER'), {}, crossSite);
    expect(data[field].token).toMatch(/^gqs_[0-9a-f]{32}\./);
  });

  it.each(['same-site', 'same-origin', 'none'])('is set for pages that can store it: %s', async (site) => {
    const api = await startApi({ allowedOrigins: new Set([origin]) });
    const client = api.client();
    const mutation = await signInMutation('signUp', { email: 'ada@example.com', password });
    await client.send(mutation, {}, { origin, 'sec-fetch-site': site });
    expect(await client.ask(me)).toEqual({ viewer: { email: 'ada@example.com' } });
  });

  it.each([
    ['reauthenticate', `reauthenticate(password: "${password}")`],
    ['changePassword', `changePassword(currentPassword: "${password}", newPassword: "another battery staple")`],
  ])('is not replaced, so that the session is not lost: %s', async (_name, field) => {
    const api = await startApi({ allowedOrigins: new Set([origin]) });
    const ada = await api.signUp('ada@example.com');
    const before = await stored(api);
    const { code } = await ada.send(`mutation { ${field} { __typename } }`, {}, crossSite);
    expect(code).toBe('CROSS_SITE_COOKIE');
    expect(await stored(api)).toEqual(before);
    expect(await ada.ask(me)).toEqual({ viewer: { email: 'ada@example.com' } });
  });

  it('does not matter if the caller has a session, which these mutations keep', async () => {
    const api = await startApi({ allowedOrigins: new Set([origin]) });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (const field of [
      'startSession { token }',
      'setPublicData(data: { a: 1 }) { __typename }',
      'logout { __typename }',
    ]) {
      expect(await ada.send(`mutation { ${field} }`, {}, crossSite)).toMatchObject({ status: 200, errors: undefined });
    }
  });
});
