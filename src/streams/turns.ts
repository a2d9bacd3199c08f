/**
 * The maximum number of messages of one user that are executed at once, on this server. One event concerns all streams of
 * its user, and each may select as much as a query: without a limit, one small request would keep the database busy.
 */
const maxAtOnce = 4;

/** Lets the streams of a user execute their messages in turn. Others do not wait for them. */
export class Turns {
  readonly #users = new Map<bigint, { running: number; waiting: (() => void)[] }>();

  /** Waits for a turn, and returns a function that ends it. Call that once. Null for a reader without a user. */
  async enter(userId: bigint | null): Promise<() => void> {
    if (userId === null) return () => {};
    const user = this.#users.get(userId) ?? { running: 0, waiting: [] };
    this.#users.set(userId, user);
    // Who waited gets the turn of the one that ends: `running` stays as it is.
    if (user.running >= maxAtOnce) await new Promise<void>((resolve) => user.waiting.push(resolve));
    else user.running += 1;
    return () => {
      const next = user.waiting.shift();
      if (next) return next();
      user.running -= 1;
      if (user.running === 0) this.#users.delete(userId);
      return undefined;
    };
  }
}
