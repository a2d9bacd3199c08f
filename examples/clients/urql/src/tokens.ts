/** The tokens that a client keeps. The device token outlives the session: it makes this device trusted at login. */
export type Tokens = { session: string | null; device: string | null };

/** The place where a client keeps its tokens. */
export type TokenStore = { read(): Tokens; write(tokens: Tokens): void };

/**
 * Keeps the tokens in the memory of the program, so a restart signs out. Every script of a page can read
 * `localStorage`: a page uses cookies. A phone has a store for secrets.
 */
export function memoryStore(): TokenStore {
  let tokens: Tokens = { session: null, device: null };
  return {
    read: () => tokens,
    write(changed) {
      tokens = changed;
    },
  };
}
