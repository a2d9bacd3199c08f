export type Release = () => void;

/** A lock that is granted in the order of the requests. */
export class Mutex {
  #last: Promise<void> = Promise.resolve();

  async acquire(): Promise<Release> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = promise;
    await before;
    return resolve;
  }

  async run<T>(act: () => Promise<T>): Promise<T> {
    const release = await this.acquire();
    try {
      return await act();
    } finally {
      release();
    }
  }
}
