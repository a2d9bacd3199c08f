import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The tokens that a client keeps. The device token outlives the session: it makes this device trusted at login. */
export type Tokens = { session: string | null; device: string | null };

/** The place where a client keeps its tokens. */
export type TokenStore = { read(): Tokens; write(tokens: Tokens): void };

/** Keeps the tokens in a file that only this user of the machine may read. Without the file, there are no tokens. */
export function fileStore(path: string): TokenStore {
  return {
    read() {
      try {
        return JSON.parse(readFileSync(path, 'utf8'));
      } catch {
        return { session: null, device: null };
      }
    },
    write(tokens) {
      // A mode is that of a new file: a file that is there already, and that others may read, is replaced.
      const newPath = `${path}.${randomUUID()}`;
      writeFileSync(newPath, JSON.stringify(tokens), { mode: 0o600, flag: 'wx' });
      renameSync(newPath, path);
    },
  };
}
