import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { deviceLifetimeMs } from '../../src/tokens/trusted-device.ts';
import { type Client, startApi, type TestApi } from '../support/api.ts';

const email = 'ada@example.com';
const chrome =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const hourMs = 3_600_000;

const listed = '{ viewer { trustedDevices { id clientName createdAt lastUsedAt expiresAt isCurrent } } }';
const forget = `mutation ($id: ID!) { forgetDevice(id: $id) {
  __typename ... on UserError { code message } ... on ForgetDevicePayload {
    forgottenDeviceId viewer { trustedDevices { id } } } } }`;

async function devicesOf(client: Client) {
  return (await client.ask(listed)).viewer.trustedDevices;
}

function pass({ clock }: TestApi, milliseconds: number): string {
  clock.now = new Date(clock.now.getTime() + milliseconds);
  return clock.now.toISOString();
}

/** Logs in from a browser. */
async function logInFrom(userAgent: string, client: Client): Promise<void> {
  const { data } = await client.send(
    `mutation { login(email: "${email}", password: "correct horse battery staple", transport: BEARER) {
      ... on SignInPayload { token deviceToken } } }`,
    {},
    { 'user-agent': userAgent },
  );
  client.token = data.login.token;
  client.deviceToken = data.login.deviceToken ?? client.deviceToken;
}

describe('trusted devices', () => {
  it('are listed for their user, newest first, with the name of the client and the last sign-in', async () => {
    const api = await startApi();
    const begun = api.clock.now.toISOString();
    const phone = await api.signUp(email, 'BEARER');
    const later = pass(api, hourMs);
    const laptop = api.client();
    await logInFrom(chrome, laptop);
    const expiresAt = new Date(api.clock.now.getTime() + deviceLifetimeMs).toISOString();
    expect(await devicesOf(laptop)).toEqual([
      {
        id: expect.any(String),
        clientName: 'Chrome on Windows',
        createdAt: later,
        lastUsedAt: later,
        expiresAt,
        isCurrent: true,
      },
      expect.objectContaining({ clientName: null, createdAt: begun, lastUsedAt: begun, isCurrent: false }),
    ]);
    const again = pass(api, hourMs);
    await logInFrom(firefox, phone);
    const [, ofPhone] = await devicesOf(phone);
    expect(ofPhone).toMatchObject({
      clientName: 'Firefox on Linux',
      createdAt: begun,
      lastUsedAt: again,
      isCurrent: true,
    });
    const rows = JSON.stringify((await api.database.userToken.findMany()).map(({ data }) => data));
    for (const kept of ['Mozilla', '127.0.0.1', '203.0.113']) expect(rows).not.toContain(kept);
  });

  it('have no last sign-in if an earlier version did not record it, and are not listed once they expire', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    await api.database.userToken.updateMany({ data: { data: null } });
    expect(await devicesOf(ada)).toMatchObject([{ clientName: null, lastUsedAt: null }]);
    await api.database.userToken.updateMany({ data: { expiresAt: api.clock.now } });
    expect(await devicesOf(ada)).toEqual([]);
  });

  it('are those of links nowhere: a mailed link is no device', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    await api.database.userToken.updateMany({ data: { purpose: 'RESET_PASSWORD' } });
    const { id } = await api.database.userToken.findFirstOrThrow();
    expect(await devicesOf(ada)).toEqual([]);
    const query = 'query ($id: ID!) { node(id: $id) { id } }';
    expect(await ada.ask(query, { id: toNodeId('TrustedDevice', id) })).toEqual({ node: null });
    const result = (await ada.ask(forget, { id: toNodeId('TrustedDevice', id) })).forgetDevice;
    expect(result).toMatchObject({ code: 'DEVICE_NOT_FOUND' });
    expect(await api.database.userToken.count()).toBe(1);
  });

  it('of many users are read by one statement', async () => {
    const api = await startApi();
    for (const name of ['bob', 'eve']) await api.signUp(`${name}@example.com`);
    const root = await api.signUpAdmin('root@example.com');
    const before = api.statements.length;
    const { users } = await root.ask('{ users { nodes { email trustedDevices { clientName } } } }');
    expect(users.nodes.map((user: { trustedDevices: unknown[] }) => user.trustedDevices.length)).toEqual([1, 1, 1]);
    expect(api.statements.slice(before).filter((sql) => /FROM .*UserToken/.test(sql))).toHaveLength(1);
  });
});

describe('forgetDevice', () => {
  it('ends the trust, but no session, and is an event', async () => {
    const api = await startApi();
    const phone = await api.signUp(email, 'BEARER');
    const laptop = api.client();
    await laptop.login(email, 'BEARER');
    const [ofLaptop, ofPhone] = await devicesOf(laptop);
    const result = (await laptop.ask(forget, { id: ofPhone.id })).forgetDevice;
    expect(result).toEqual({
      __typename: 'ForgetDevicePayload',
      forgottenDeviceId: ofPhone.id,
      viewer: { trustedDevices: [{ id: ofLaptop.id }] },
    });
    expect((await phone.ask('{ viewer { email } }')).viewer).toEqual({ email });
    const { auditEvents } = (await laptop.ask('{ viewer { auditEvents { nodes { type isOwn detail } } } }')).viewer;
    expect(auditEvents.nodes[0]).toEqual({ type: 'DEVICE_FORGOTTEN', isOwn: true, detail: null });
    const { deviceToken } = await phone.login(email, 'BEARER');
    expect(deviceToken).not.toBeNull();
  });

  it('treats the device of another user, a forgotten one and any other id alike, also for administrators', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const root = await api.signUpAdmin('root@example.com');
    const [{ id }] = await devicesOf(ada);
    const { viewer } = await ada.ask('{ viewer { id } }');
    const refusal = {
      __typename: 'DeviceNotFoundError',
      code: 'DEVICE_NOT_FOUND',
      message: 'There is no such trusted device.',
    };
    expect((await root.ask(forget, { id })).forgetDevice).toEqual(refusal);
    expect(await devicesOf(ada)).toHaveLength(1);
    await ada.ask(forget, { id });
    for (const other of [id, viewer.id, 'none', toNodeId('TrustedDevice', 999_999n)]) {
      expect((await ada.ask(forget, { id: other })).forgetDevice).toEqual(refusal);
    }
    const { count } = await api.database.auditEvent.deleteMany({ where: { type: 'DEVICE_FORGOTTEN' } });
    expect(count).toBe(1);
  });

  it('needs the anti-CSRF token in a session by cookie', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'COOKIE');
    const [{ id }] = await devicesOf(ada);
    ada.antiCSRFToken = null;
    expect((await ada.send(forget, { id })).code).toBe('CSRF_TOKEN_INVALID');
    expect(await devicesOf(ada)).toHaveLength(1);
  });
});
