/** A client that sends requests to a port of this machine, as it would to the host of an application. */
import { request } from 'node:http';

export const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0';

/** The host of the application, and of PUBLIC_URL. */
export const applicationHost = 'app.example.com';

export type Transport = 'COOKIE' | 'BEARER';

export type Answer = { status: number; headers: NodeJS.Dict<string | string[]>; body: Record<string, unknown> };

export type Send = {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  /** The address of the client: another one of the loopback network, 127.0.0.0/8. */
  localAddress?: string;
};

/** Sends a request for the host of the application. A body that is no JSON is left out of the answer. */
export async function sendOnce(
  port: number,
  { method = 'GET', path = '/', headers = {}, body = '', ...network }: Send,
): Promise<Answer> {
  const length = method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const sent = { host: applicationHost, 'user-agent': browser, ...length, ...headers };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port, host: '127.0.0.1', method, path, headers: sent, agent: false, ...network },
      async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parse(text) });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
