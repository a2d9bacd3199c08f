import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { SecureStore } from './src/tokens.ts';

/** Keeps values in memory in place of the phone's secure store. */
export class FakeStore implements SecureStore {
  readonly AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY = 1;
  readonly values = new Map<string, string>();
  isFailing = false;
  /** The number of changes. */
  writes = 0;

  async getItemAsync(key: string): Promise<string | null> {
    await this.#reach();
    return this.values.get(key) ?? null;
  }

  async setItemAsync(key: string, value: string): Promise<void> {
    this.writes += 1;
    await this.#reach();
    if (value === 'slow') await setImmediate();
    this.values.set(key, value);
  }

  async deleteItemAsync(key: string): Promise<void> {
    this.writes += 1;
    await this.#reach();
    this.values.delete(key);
  }

  async #reach(): Promise<void> {
    await Promise.resolve();
    if (this.isFailing) throw new Error('The secure store is locked.');
  }
}

type Send = () => Promise<Response>;

/** The network between the phone and the server. It checks that no cookie passes. */
export const network = {
  /** Handles requests in place of the network. `send` sends the request on. */
  intercept: null as ((send: Send, operation: string) => Promise<Response>) | null,
  /** The status of each answer of the server. */
  statuses: [] as number[],
};

const realFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  assert.equal(init?.credentials, 'omit');
  const send = async () => {
    const response = await realFetch(input, init);
    assert.deepEqual(response.headers.getSetCookie(), []);
    network.statuses.push(response.status);
    return response;
  };
  return network.intercept === null ? send() : network.intercept(send, String(init.body));
};

/** Holds operations by their names, before they reach the server or before their answers reach the phone. */
export function hold(places: Record<string, 'request' | 'answer'>) {
  const holds = Object.entries(places).map(([name, place]) => {
    const held = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    return { name, place, held, released };
  });
  network.intercept = async (send, operation) => {
    const hold = holds.find(({ name }) => operation.includes(` ${name}`));
    if (!hold) return send();
    const answer = hold.place === 'answer' ? await send() : null;
    hold.held.resolve();
    await hold.released.promise;
    return answer ?? send();
  };
  const find = (name: string) => holds.find((hold) => hold.name === name);
  return {
    isHeld: (name: string) => find(name)?.held.promise,
    release: (name: string) => find(name)?.released.resolve(),
  };
}
