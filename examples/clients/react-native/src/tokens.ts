import type * as ExpoSecureStore from 'expo-secure-store';

/** The part of `expo-secure-store` that this module uses. */
export type SecureStore = Pick<
  typeof ExpoSecureStore,
  'getItemAsync' | 'setItemAsync' | 'deleteItemAsync' | 'AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY'
>;

type Values = {
  /** The token of the session. Null if nobody is signed in. */
  session: string | null;
  /** Makes this device trusted at login. It outlives the session. */
  device: string | null;
};

const keys = { session: 'sessions.session', device: 'sessions.device' };

/**
 * Reads the tokens when the app starts.
 *
 * @param report - gets the errors of later writes
 * @throws the error of the store, for example while the phone is locked. The tokens stay there: try again.
 */
export async function openTokens(store: SecureStore, report: (error: unknown) => void): Promise<Tokens> {
  const [session, device] = await Promise.all([store.getItemAsync(keys.session), store.getItemAsync(keys.device)]);
  return new Tokens(store, { session, device }, report);
}

/** The tokens in memory, which a secure store keeps. */
export class Tokens {
  readonly #store: SecureStore;
  readonly #report: (error: unknown) => void;
  #values: Values;
  #stored: Values;
  /** Writes follow each other, so that no older token replaces a newer one. */
  #writes: Promise<void> = Promise.resolve();

  constructor(store: SecureStore, values: Values, report: (error: unknown) => void) {
    this.#store = store;
    this.#values = values;
    this.#stored = values;
    this.#report = report;
  }

  get session(): string | null {
    return this.#values.session;
  }

  get device(): string | null {
    return this.#values.device;
  }

  // #region write
  /** Changes the tokens at once, also if the store fails: then they are lost when the app ends. */
  async set(changes: Partial<Values>): Promise<void> {
    this.#values = { ...this.#values, ...changes };
    await this.save();
  }

  /** Writes the tokens that the store does not have yet. Never rejects. */
  save(): Promise<void> {
    this.#writes = this.#writes.then(async () => {
      await this.#write('session');
      await this.#write('device');
    });
    return this.#writes;
  }

  async #write(name: keyof Values): Promise<void> {
    const value = this.#values[name];
    if (value === this.#stored[name]) return;
    // Available to background tasks, and not copied to another phone by a backup.
    const options = { keychainAccessible: this.#store.AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY };
    try {
      if (value === null) await this.#store.deleteItemAsync(keys[name]);
      else await this.#store.setItemAsync(keys[name], value, options);
      this.#stored = { ...this.#stored, [name]: value };
    } catch (error) {
      this.#report(error);
    }
  }
  // #endregion
}
