import { describe, expect, it } from 'vitest';
import { type Client, startApi } from '../support/api.ts';
import { type EventSource, subscribe } from '../support/event-source.ts';

const email = 'ada@example.com';

const query = `subscription ($after: String) {
  sessionEvents(after: $after) {
    __typename
    ... on SessionsSnapshot { cursor viewer { email sessions { handle } } currentSession { handle } }
    ... on SessionStarted { cursor sessionHandle session { handle state } }
    ... on SessionEnded { cursor sessionId sessionHandle reason endedAt }
    ... on SessionChanged { cursor sessionHandle session { publicData } }
    ... on ViewerChanged { cursor viewer { name } }
  }
}`;

/** Subscribes to the events of a client, and reads the snapshot. */
async function follow(client: Client, after: string | null = null) {
  const events = await subscribe(client, { query, variables: { after } });
  expect(events.status).toBe(200);
  const first = await events.next();
  expect(first.data?.sessionEvents.__typename, JSON.stringify(first)).toBe('SessionsSnapshot');
  return { events, snapshot: first.data.sessionEvents };
}

const nextOf = async (events: EventSource) => (await events.next())?.data?.sessionEvents;

const currentOf = async (client: Client) => (await client.ask('{ currentSession { id handle } }')).currentSession;

describe('sessionEvents', () => {
  it('begins with the current state, and tells what happens to the sessions of the user', async () => {
    const api = await startApi();
    const laptop = await api.signUp(email, 'BEARER');
    const own = await currentOf(laptop);
    const { events, snapshot } = await follow(laptop);
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    expect(events.headers.get('x-accel-buffering')).toBe('no');
    expect(events.headers.get('cache-control')).toBe('no-store');
    expect(snapshot).toMatchObject({
      viewer: { email, sessions: [{ handle: own.handle }] },
      currentSession: { handle: own.handle },
    });

    const phone = api.client();
    await phone.login(email, 'BEARER');
    const other = await currentOf(phone);
    expect(await nextOf(events)).toMatchObject({
      __typename: 'SessionStarted',
      sessionHandle: other.handle,
      session: { state: 'LIVE' },
    });
    await phone.ask('mutation { setPublicData(data: { theme: "dark" }) { __typename } }');
    expect(await nextOf(events)).toMatchObject({
      __typename: 'SessionChanged',
      sessionHandle: other.handle,
      session: { publicData: { theme: 'dark' } },
    });
    await laptop.act('updateProfile', { name: 'Ada' });
    expect(await nextOf(events)).toMatchObject({ __typename: 'ViewerChanged', viewer: { name: 'Ada' } });
    await laptop.act('revoke', { id: other.id });
    expect(await nextOf(events)).toMatchObject({
      __typename: 'SessionEnded',
      sessionId: other.id,
      sessionHandle: other.handle,
      reason: 'REVOKED',
      endedAt: api.clock.now.toISOString(),
    });
    await laptop.ask('mutation { logout { revokedSessionId } }');
    expect(await nextOf(events)).toMatchObject({ __typename: 'SessionEnded', sessionId: own.id, reason: 'LOGOUT' });
    expect(await events.next()).toBeNull();
    expect(api.reported).toEqual([]);
  });
});
