/** Posts a message to the URL of a webhook. */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import packageJson from '../../../package.json' with { type: 'json' };
import type { AnsweredError, SignedMessage } from '../formats.ts';
import { type AddressPolicy, guardedLookup, isAllowedAddress, noAllowedAddress } from './addresses.ts';
import { hostOf } from './url.ts';

/** The time for an attempt: name, connection and answer. Shorter than the lease under which messages are sent. */
const defaultTimeoutMs = 10_000;

/** The part of an answer's body that is read, and not kept: enough for the connection to serve the next request. */
const maxAnswerBytes = 16 * 1024;

/** The maximum number of requests at once to one webhook. */
export const maxPerWebhook = 4;

/**
 * The outcome of an attempt. It has nothing of the answer but the status and a code of a closed list, so that nobody
 * reads a network by it.
 */
export type Outcome = {
  /** True if no further attempt can succeed. */
  isFinal?: boolean;
} & (
  | { status: number; retryAfterMs: number | null; error: string | null }
  /** The code of a failure, such as ECONNREFUSED. */
  | { status: null; retryAfterMs: null; error: string }
);

export type Sender = {
  /** Posts a message. It follows no redirect, ends in time, and never throws. */
  post(url: string, message: SignedMessage, now: Date): Promise<Outcome>;
  /** Closes the idle connections. */
  close(): void;
};

/** Opens a sender. It keeps connections for the next requests. */
export function openSender(policy: AddressPolicy, timeoutMs = defaultTimeoutMs): Sender {
  const options = { keepAlive: true, maxFreeSockets: maxPerWebhook, timeout: timeoutMs };
  const agents = { 'http:': new HttpAgent(options), 'https:': new HttpsAgent(options) };

  async function post(address: string, message: SignedMessage, now: Date, isRepeated = false): Promise<Outcome> {
    const url = new URL(address);
    const isSecure = url.protocol === 'https:';
    const host = hostOf(url);
    // No lookup is made for an address.
    if (isIP(host) !== 0 && !isAllowedAddress(host, url.protocol, policy)) return failed(noAllowedAddress);
    const body = Buffer.from(message.body);
    const request = (isSecure ? requestHttps : requestHttp)(url, {
      method: 'POST',
      agent: agents[isSecure ? 'https:' : 'http:'],
      lookup: guardedLookup(url.protocol, policy),
      headers: {
        ...message.headers,
        'content-length': body.length,
        'user-agent': `graphql-sessions/${packageJson.version}`,
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    try {
      request.end(body);
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        // Some answers, such as 101 (Switching Protocols), close the connection without an error.
        request
          .once('response', resolve)
          .on('error', reject)
          .on('close', () => reject(new Error('closed')));
      });
      const { statusCode: status = 0, headers } = response;
      const answered = await readAnswer(response, message);
      const { code: error = null, isFinal = false } = answered ?? {};
      return { status, retryAfterMs: parseRetryAfter(headers['retry-after'], now), error, isFinal };
    } catch (error) {
      const code = codeOf(error);
      // The receiver closed the idle connection at the same moment.
      if (request.reusedSocket && code === 'ECONNRESET' && !isRepeated) return post(address, message, now, true);
      return failed(code);
    }
  }

  return {
    post: (url, message, now) => post(url, message, now),
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/**
 * Reads the body of an answer to its end, or to the limit, or until the time is over. Its status counts in any case.
 * Returns the error that it names, in a format that has such answers.
 */
async function readAnswer(response: IncomingMessage, { errorOf }: SignedMessage): Promise<AnsweredError | null> {
  const isRead = errorOf !== undefined && response.statusCode === 400;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      // Leaving the loop closes the connection.
      if (bytes > maxAnswerBytes) return null;
      if (isRead) chunks.push(chunk as Buffer);
    }
  } catch {
    // The status has arrived.
    return null;
  }
  return isRead ? errorOf(Buffer.concat(chunks).toString()) : null;
}

function failed(error: string): Outcome {
  return { status: null, retryAfterMs: null, error };
}

/** Returns the code of an error of the network, of TLS or of the parser. No text: it may have parts of an answer. */
function codeOf(error: unknown): string {
  const { code, name, cause } = error as { code?: unknown; name?: string; cause?: { name?: string } };
  if (name === 'TimeoutError' || cause?.name === 'TimeoutError') return 'TIMEOUT';
  return typeof code === 'string' && /^[A-Z0-9_]{1,50}$/.test(code) ? code : 'FAILED';
}

/** Returns the pause of a `Retry-After` header (RFC 9110 section 10.2.3). Null without one, or for another form. */
export function parseRetryAfter(value: string | undefined, now: Date): number | null {
  if (value === undefined) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const time = /^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : Math.max(0, time - now.getTime());
}
