import { describe, expect, it } from 'vitest';
import { password, startApi } from '../support/api.ts';

const sessions = { idleTimeoutMs: 10 * 3_600_000, lifetimeMs: 240 * 3_600_000, maxPerUser: 3 };

describe('limit on live sessions', () => {
  it('ends the least recently used session', async () => {
    const api = await startApi({ sessions });
    const devices = [await api.signUp('ada@example.com', 'BEARER')];
    const step = () => {
      api.clock.now = new Date(api.clock.now.getTime() + 2 * 3_600_000);
    };
    for (let n = 0; n < 2; n += 1) {
      step();
      const device = api.client();
      await device.login('ada@example.com', 'BEARER');
      devices.push(device);
    }
    step();
    await devices[0]?.ask('{ viewer { id } }');
    step();
    const fourth = api.client();
    await fourth.login('ada@example.com', 'BEARER');
    const live = [];
    for (const device of [...devices, fourth])
      live.push((await device.ask('{ currentSession { id } }')).currentSession);
    expect(live.map((session) => session !== null)).toEqual([true, false, true, true]);
  });

  it('applies per user, and does not count anonymous sessions', async () => {
    const api = await startApi({ sessions });
    const visitor = api.client();
    visitor.token = (await visitor.ask('mutation { startSession(transport: BEARER) { token } }')).startSession.token;
    const bob = await api.signUp('bob@example.com', 'BEARER');
    await api.signUp('ada@example.com');
    for (let n = 0; n < 5; n += 1) await api.client().login('ada@example.com');
    expect((await bob.ask('{ viewer { sessions { id } } }')).viewer.sessions).toHaveLength(1);
    expect((await visitor.ask('{ currentSession { id } }')).currentSession).not.toBeNull();
    const [{ live }] = await api.database.$queryRaw<[{ live: bigint }]>`
      SELECT count(*) AS live FROM "Session" WHERE "userId" = 2 AND "hashedSessionToken" IS NOT NULL`;
    expect(Number(live)).toBe(3);
  });

  it('holds exactly for fifty concurrent logins, and each of them gets a session', async () => {
    const api = await startApi({ attempts: { perAccount: 50, perAddress: 100, signUpsPerAddress: 100 } });
    await api.signUp('ada@example.com');
    const logins = Array.from({ length: 50 }, async () => {
      const device = api.client();
      expect(await device.login('ada@example.com', 'BEARER', password)).toMatchObject({ __typename: 'SignInPayload' });
      return device;
    });
    const devices = await Promise.all(logins);
    const answers = await Promise.all(devices.map((device) => device.ask('{ viewer { sessions { id } } }')));
    const live = answers.filter(({ viewer }) => viewer !== null);
    expect(live).toHaveLength(20);
    for (const { viewer } of live) expect(viewer.sessions).toHaveLength(20);
  });
});
