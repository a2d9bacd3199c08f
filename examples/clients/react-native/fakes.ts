import assert from 'node:assert/strict';
import type { SecureStore } from './src/tokens.ts';

/** Keeps values in memory in place of the phone's secure store. */
export class FakeStore implements SecureStore {
  readonly AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY = 1;
  readonly values = new Map<string, string>();
  isFailing = false;

  async getItemAsync(key: string): Promise<string | null> {
    await this.#reach();
    return this.values.get(key) ?? null;
  }

  async setItemAsync(key: string, value: string): Promise<void> {
    await this.#reach();
    this.values.set(key, value);
  }

  async deleteItemAsync(key: string): Promise<void> {
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

/** Holds operations with a name, before they reach the server or before their answer reaches the phone. */
export function hold(name: string, where: 'request' | 'answer') {
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  const { promise: isHeld, resolve: held } = Promise.withResolvers<void>();
  network.intercept = async (send, operation) => {
    if (!operation.includes(` ${name}`)) return send();
    const early = where === 'answer' ? await send() : null;
    held();
    await isReleased;
    return early ?? send();
  };
  return { isHeld, release };
}
