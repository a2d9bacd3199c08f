import type { Duplex } from 'node:stream';
import pg from 'pg';
import { hostUrls } from '../url.ts';
import { requireTarget, type Target } from './target.ts';

type Host = Pick<pg.Client, 'host' | 'port'>;

/** The time after which the next host is tried as well, in milliseconds. It is tried at once after a failure. */
const staggerMs = 250;

/** The timeouts of a host that is tried, in milliseconds: below those of a pool, for the connection that follows. */
const timeouts = { connectionTimeoutMillis: 1_500, query_timeout: 1_500 };

/** The callback of the driver's `connect`. */
type OnConnect = (error: Error | null, client?: pg.Client) => void;

/**
 * Returns the class of clients that connect to a host of a URL with the wanted role: the first one in the order of the
 * URL, unless it takes long to answer. The driver knows only one host. So clients look for the host first, each on a
 * connection of its own, and check the role again on the connection that they keep.
 *
 * The URL in the configuration of such a client has no effect.
 */
export function clientClass(url: string, target: Target): typeof pg.Client {
  const urls = hostUrls(url);
  let search: Promise<Host> | null = null;
  /** Clients that connect at the same time share a search. */
  function findHost(): Promise<Host> {
    search ??= findHostOf(urls, target).finally(() => {
      search = null;
    });
    return search;
  }

  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super({ ...(typeof config === 'object' ? config : {}), connectionString: urls[0] });
    }

    override connect(): Promise<pg.Client>;
    override connect(callback: OnConnect): void;
    override connect(callback?: OnConnect): Promise<pg.Client> | undefined {
      const connecting = this.#connect();
      if (!callback) return connecting;
      connecting.then(
        () => callback(null, this),
        (error: Error) => callback(error),
      );
      return undefined;
    }

    async #connect(): Promise<pg.Client> {
      if (urls.length > 1) Object.assign(this, await findHost());
      // The pool listens only afterwards, and an error that nobody hears ends the process: also one that arrives in the
      // same packet as the end of the handshake, before this function goes on.
      this.on('error', ignore);
      try {
        await super.connect();
        batchWrites(this);
        await requireTarget(this, target);
      } catch (error) {
        void this.end();
        throw error;
      } finally {
        this.off('error', ignore);
      }
      return this;
    }
  };
}

/** Returns the socket of a client that is connected. The types of pg do not have it. */
export function streamOf(client: pg.ClientBase): Duplex {
  return (client as unknown as { connection: { stream: Duplex } }).connection.stream;
}

/**
 * Sends the statements with parameters of one turn of the event loop in one packet. The driver sends each by itself: a
 * system call of the server, and often a wake-up of PostgreSQL, for each of those that a transaction sends at once.
 */
function batchWrites(client: pg.Client): void {
  const stream = streamOf(client);
  const uncork = stream.uncork.bind(stream);
  stream.uncork = () => process.nextTick(uncork);
}

function ignore(): void {}

/** @throws Error that names each host and its reason */
async function findHostOf(urls: readonly string[], target: Target): Promise<Host> {
  if (target !== 'prefer-standby') return firstHost(urls, target);
  return firstHost(urls, 'standby').catch(() => firstHost(urls, 'any'));
}

/** Tries the hosts in their order, and returns the first with the role. A host that does not answer delays the next. */
function firstHost(urls: readonly string[], target: Target): Promise<Host> {
  const { promise, resolve, reject } = Promise.withResolvers<Host>();
  const remaining = [...urls];
  const failures: Error[] = [];
  function tryNext(): void {
    const url = remaining.shift();
    if (url === undefined) return;
    const late = setTimeout(tryNext, staggerMs);
    tryHost(url, target)
      .then(resolve, (error: Error) => {
        failures.push(error);
        if (failures.length === urls.length) reject(noHost(failures));
        else tryNext();
      })
      .finally(() => clearTimeout(late));
  }
  tryNext();
  return promise.finally(() => {
    remaining.length = 0;
  });
}

async function tryHost(url: string, target: Target): Promise<Host> {
  const client = new pg.Client({ connectionString: url, ...timeouts });
  client.on('error', ignore);
  const { host, port } = client;
  try {
    await client.connect();
    await requireTarget(client, target);
    return { host, port };
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    throw Object.assign(new Error(message || `${host}:${port} ${code}`, { cause: error }), { code });
  } finally {
    void client.end().catch(ignore);
  }
}

/** Returns the error for all hosts, with the code of one that answered, if any did. */
function noHost(failures: (Error & { code?: string })[]): Error {
  const answered = failures.find(({ code }) => code === '25006' || code === '08004') ?? failures[0];
  const reasons = failures.map(({ message }) => message).join('; ');
  return Object.assign(new Error(`no host can be used: ${reasons}`, { cause: answered }), { code: answered?.code });
}
