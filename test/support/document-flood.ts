/** Documents that are all different, as careless clients and attackers send them. */
import { Agent, request } from 'node:http';

const conflicting = (n: number) =>
  `{z${n}:viewer{${'a:id a:name a:email a:role a:createdAt a:updatedAt '.repeat(100)}}}`;

/** Each kind as the document with a number. */
export const distinctDocuments: Record<string, (n: number) => string> = {
  'valid, with a value': (n) => `{node(id:"${n}"){id}}`,
  'valid and large': (n) => `{z${n}:viewer{${Array.from({ length: 250 }, (_, k) => `a${k}:id`).join(' ')}}}`,
  'valid, with a comment': (n) => `{viewer{id}} #${String(n).repeat(400)}`,
  'with an unknown field': (n) => `{viewer{unknown${n}}}`,
  'with many unknown fields': (n) => `{viewer{${Array.from({ length: 60 }, (_, k) => `u${n}x${k}`).join(' ')}}}`,
  'that cannot be parsed': (n) => `{viewer{id ${n}`,
  'with fields that conflict': conflicting,
};

export type Flood = { kinds: string[]; requests: number; connections?: number };

/**
 * Sends a number of documents of each kind over a few connections: each document once, and every tenth one twice.
 * Rejects if the server goes away. Returns the number of answers with each status.
 */
export async function floodDocuments(port: number, { kinds, requests, connections = 8 }: Flood) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const statuses = new Map<number, number>();
  let sent = 0;
  async function sendAll(documentOf: (n: number) => string): Promise<void> {
    while (sent < requests) {
      sent += 1;
      const document = documentOf(sent);
      for (let copies = sent % 10 === 0 ? 2 : 1; copies > 0; copies -= 1) {
        const status = await post(port, JSON.stringify({ query: document }), agent);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }
  }
  for (const kind of kinds) {
    const documentOf = distinctDocuments[kind];
    if (!documentOf) throw new Error(`There are no documents ${kind}.`);
    sent = 0;
    await Promise.all(Array.from({ length: connections }, () => sendAll(documentOf)));
  }
  agent.destroy();
  return statuses;
}

function post(port: number, body: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { host: '127.0.0.1', port, path: '/graphql', method: 'POST', headers, agent };
    const sent = request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
