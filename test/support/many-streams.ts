/** Many streams of many sessions, without the cost of a login for each. */
import { get, type IncomingMessage } from 'node:http';
import type { Database } from '../../src/database/database.ts';
import { createSessionToken } from '../../src/tokens/token.ts';

const query = 'subscription { sessionEvents { __typename ... on SessionEnded { sessionHandle } } }';

/** Stores users with five sessions each, and returns the tokens of the sessions. */
export async function storeSessions(database: Database, users: number): Promise<{ token: string; handle: string }[]> {
  const expiresAt = new Date(Date.now() + 86_400_000);
  const names = Array.from({ length: users }, (_, index) => ({ email: `user${index}@example.com`, role: 'user' }));
  await database.user.createMany({ data: names });
  const stored = await database.user.findMany({ select: { id: true } });
  const sessions = stored.flatMap(({ id }) =>
    Array.from({ length: 5 }, () => ({ userId: id, ...createSessionToken() })),
  );
  await database.session.createMany({
    data: sessions.map(({ userId, handle, hashedToken }) => ({
      userId,
      handle,
      hashedSessionToken: hashedToken,
      transport: 'BEARER',
      lastSeenAt: new Date(),
      expiresAt,
    })),
  });
  return sessions;
}

export type OpenStream = {
  /** Resolves when the stream begins, with its status. */
  opened: Promise<number>;
  /** Resolves when the connection ends, with what was received. */
  ended: Promise<{ text: string; at: number }>;
  destroy(): void;
};

/** Opens a stream of a session, from an address of its own. */
export function openStream(address: string, token: string, client: number): OpenStream {
  const url = new URL(`?${new URLSearchParams({ query })}`, address);
  const headers = {
    accept: 'text/event-stream',
    authorization: `Bearer ${token}`,
    'x-forwarded-for': `10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`,
  };
  const opened = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<{ text: string; at: number }>();
  let text = '';
  const end = () => {
    opened.resolve(0);
    ended.resolve({ text, at: performance.now() });
  };
  const request = get(url, { headers, agent: false }, (response: IncomingMessage) => {
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.includes('SessionsSnapshot')) opened.resolve(response.statusCode ?? 0);
    });
    response.on('close', end).on('error', end);
  }).on('error', end);
  return { opened: opened.promise, ended: ended.promise, destroy: () => void request.destroy() };
}
