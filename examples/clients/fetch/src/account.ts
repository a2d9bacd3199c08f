import { createClient, type Send } from './client.ts';
import {
  type CompleteLoginResult,
  type ConfirmAppResult,
  type Credentials,
  completeLoginMutation,
  confirmAppMutation,
  type Device,
  devicesQuery,
  type LoginResult,
  loginMutation,
  logoutMutation,
  revokeMutation,
  type SignUpResult,
  signUpMutation,
  startAppMutation,
  type Viewer,
} from './operations.ts';
import { explainCode, explainRevoke, explainSignIn } from './refusals.ts';
import { answerFor, type Code, type NewApp, type NextStep, type SecondFactor } from './steps.ts';
import type { TokenStore } from './tokens.ts';

type Payload = Extract<LoginResult | ConfirmAppResult, { token: string | null }>;

/**
 * The state of the user interface, and the actions that change it. An action returns a sentence for the user, or null.
 * Some return the next step of a sign-in.
 */
export class Account {
  viewer: Viewer | null = null;
  devices: Device[] = [];
  #store: TokenStore;
  #send: Send;

  constructor(url: string, store: TokenStore) {
    this.#store = store;
    this.#send = createClient(url, store, () => this.#clear());
  }

  async signUp(credentials: Credentials): Promise<NextStep> {
    return this.#nextStep((await this.#send(signUpMutation, credentials)).signUp);
  }

  async logIn(credentials: Credentials): Promise<NextStep> {
    return this.#nextStep((await this.#send(loginMutation, credentials)).login);
  }

  // #region second-step
  /** Answers the second step of a login. */
  async completeLogin(step: SecondFactor, { code, trustDevice }: Code): Promise<NextStep> {
    const variables = { challenge: step.challenge, answer: answerFor(code), trustDevice };
    const { completeLogin: result } = await this.#send(completeLoginMutation, variables);
    // The challenge is valid for further codes.
    const isRetry = result.__typename === 'InvalidCredentialsError' || result.__typename === 'RateLimitedError';
    return isRetry ? { ...step, problem: explainCode(result) } : this.#nextStep(result);
  }

  /** Continues after a result: keeps the tokens, or returns what the user has to do. */
  async #nextStep(result: SignUpResult | LoginResult | CompleteLoginResult): Promise<NextStep> {
    switch (result.__typename) {
      case 'SignInPayload':
        return this.#signedIn(result);
      case 'SecondFactorRequired':
        return result;
      case 'SecondFactorEnrolmentRequired':
        return this.startApp(result.challenge);
      case 'ChallengeInvalidError':
      case 'PasskeyRejectedError':
        return explainCode(result);
      default:
        return explainSignIn(result);
    }
  }
  // #endregion

  // #region app
  /** Starts the addition of an authenticator app: for the signed-in user, or as a part of a sign-in. */
  async startApp(signIn: string | null = null): Promise<NewApp | string> {
    const { startAuthenticatorApp: result } = await this.#send(startAppMutation, { signIn });
    return result.__typename === 'StartAuthenticatorAppPayload' ? { ...result, signIn } : explainCode(result);
  }

  /** Adds the app by its first code. Returns the recovery codes, which the user has to keep, or the next step. */
  async confirmApp(app: NewApp, code: string): Promise<string[] | NewApp | string> {
    const { challenge, signIn } = app;
    const { confirmAuthenticatorApp: result } = await this.#send(confirmAppMutation, { challenge, code, signIn });
    if (result.__typename === 'FactorPayload') {
      this.#signedIn(result);
      return result.recoveryCodes ?? [];
    }
    const isRetry = result.__typename === 'InvalidCredentialsError' || result.__typename === 'RateLimitedError';
    return isRetry ? { ...app, problem: explainCode(result) } : explainCode(result);
  }
  // #endregion

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

  #signedIn({ token, deviceToken, viewer }: Payload): null {
    this.#store.write({ session: token, device: deviceToken ?? this.#store.read().device });
    // The list may be that of another user.
    this.#clear();
    this.viewer = viewer;
    return null;
  }

  #clear(): void {
    this.viewer = null;
    this.devices = [];
  }
}
