import { describe, expect, it } from 'vitest';
import { type Client, startApi } from '../support/api.ts';

const rounds = 15;
const me = '{ currentSession { id expiresAt } }';
const revoke = 'mutation ($id: ID!) { revoke(id: $id) { ... on RevokeSuccess { revokedSessionId } } }';

/** Ada's laptop, and ten copies of the client of her phone. */
async function laptopAndPhones() {
  const sessions = { idleTimeoutMs: 3_600_000, lifetimeMs: 86_400_000, maxPerUser: 20 };
  const api = await startApi({ sessions });
  const laptop = await api.signUp('ada@example.com', 'BEARER');
  async function newPhones(): Promise<{ id: string; phones: Client[] }> {
    const phone = api.client();
    const { session } = await phone.login('ada@example.com', 'BEARER');
    return { id: session.id, phones: Array.from({ length: 10 }, () => Object.assign(api.client(), phone)) };
  }
  return { api, laptop, newPhones };
}

/** Nothing that begins after the acknowledgement finds the session, and nothing has brought it back. */
async function expectEnded(phones: Client[]) {
  for (const { currentSession } of await Promise.all(phones.map((phone) => phone.ask(me)))) {
    expect(currentSession).toBeNull();
  }
}

describe('a session that was acknowledged as ended is never accepted again', () => {
  it('though it is being renewed at that moment', async () => {
    const { api, laptop, newPhones } = await laptopAndPhones();
    for (let round = 0; round < rounds; round += 1) {
      const { id, phones } = await newPhones();
      api.clock.now = new Date(api.clock.now.getTime() + 600_000);
      const renewals = phones.map((phone) => phone.ask(me));
      const { revoke: result } = await laptop.ask(revoke, { id });
      expect(result.revokedSessionId).toBe(id);
      const after = expectEnded(phones);
      await Promise.all(renewals);
      await after;
      await expectEnded(phones);
      const row = await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
      expect(row).toMatchObject({ hashedSessionToken: null, expiresAt: api.clock.now });
    }
  });

  it('though it is logging in again at that moment: the new session is another one', async () => {
    const { laptop, newPhones } = await laptopAndPhones();
    for (let round = 0; round < rounds; round += 1) {
      const { id, phones } = await newPhones();
      const again = Object.assign(laptop, {});
      const phone = phones[0] as Client;
      const login = phone.login('ada@example.com', 'BEARER');
      await again.ask(revoke, { id });
      await login;
      await expectEnded(phones.slice(1));
      expect((await phone.ask(me)).currentSession.id).not.toBe(id);
    }
  });

  it('though requests of it that change something are in flight', async () => {
    const { laptop, newPhones } = await laptopAndPhones();
    const set = 'mutation { setPublicData(data: { a: 1 }) { __typename } }';
    for (let round = 0; round < rounds; round += 1) {
      const { id, phones } = await newPhones();
      const writes = phones.map((phone) => phone.send(set));
      await laptop.ask(revoke, { id });
      const after = expectEnded(phones);
      await Promise.all(writes);
      await after;
      await expectEnded(phones);
    }
  });

  it('though many end it at once: exactly one is told that it did', async () => {
    const { laptop, newPhones } = await laptopAndPhones();
    for (let round = 0; round < rounds; round += 1) {
      const { id, phones } = await newPhones();
      const endings = [
        ...Array.from({ length: 10 }, () => laptop.ask(revoke, { id })),
        ...phones.map((phone) => phone.ask('mutation { revoke: logout { revokedSessionId } }')),
      ];
      const told = (await Promise.all(endings)).filter((answer) => answer.revoke.revokedSessionId === id);
      expect(told).toHaveLength(1);
      await expectEnded(phones);
    }
  });
});
