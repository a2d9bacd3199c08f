import { createClient, type Send } from './client.ts';
import {
  type Credentials,
  type Device,
  devicesQuery,
  type LoginResult,
  loginMutation,
  logoutMutation,
  revokeMutation,
  type SignUpResult,
  signUpMutation,
  type Viewer,
} from './operations.ts';
import { explainRevoke, explainSignIn } from './refusals.ts';
import type { TokenStore } from './tokens.ts';

/** The state of the user interface, and the actions that change it. An action returns a sentence for the user, or null. */
export class Account {
  viewer: Viewer | null = null;
  devices: Device[] = [];
  #store: TokenStore;
  #send: Send;

  constructor(url: string, store: TokenStore) {
    this.#store = store;
    this.#send = createClient(url, store, () => this.#clear());
  }

  async signUp(credentials: Credentials): Promise<string | null> {
    return this.#signedIn((await this.#send(signUpMutation, credentials)).signUp);
  }

  async logIn(credentials: Credentials): Promise<string | null> {
    return this.#signedIn((await this.#send(loginMutation, credentials)).login);
  }

  /** Loads the user and their devices. Call it when the program starts: the stored token may still be valid. */
  async load(): Promise<void> {
    const { session } = this.#store.read();
    const { viewer } = await this.#send(devicesQuery, {});
    // Another user may have signed in while the request was on its way.
    if (this.#store.read().session !== session) return;
    this.viewer = viewer;
    this.devices = viewer?.sessions ?? [];
  }

  /** Ends a session, and removes it from the list by its id. */
  async revoke(id: string): Promise<string | null> {
    const { revoke } = await this.#send(revokeMutation, { id });
    if (revoke.__typename !== 'RevokePayload') return explainRevoke(revoke);
    this.devices = this.devices.filter((device) => device.id !== id);
    return null;
  }

  async logOut(): Promise<void> {
    await this.#send(logoutMutation, {});
    this.#store.write({ ...this.#store.read(), session: null });
    this.#clear();
  }

  #signedIn(result: SignUpResult | LoginResult): string | null {
    if (result.__typename !== 'SignInPayload') return explainSignIn(result);
    this.#store.write({ session: result.token, device: result.deviceToken ?? this.#store.read().device });
    // The list may be that of another user.
    this.#clear();
    this.viewer = result.viewer;
    return null;
  }

  #clear(): void {
    this.viewer = null;
    this.devices = [];
  }
}
