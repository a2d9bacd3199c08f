import { Secret, TOTP } from 'otpauth';
import { expect } from 'vitest';
import type { Client, Data, TestApi } from './api.ts';
import { encryptionKeysOf } from './encryption-keys.ts';

/** The keys of a server that can store secrets. */
export const encryptionKeys = encryptionKeysOf();

/** Returns the code that an app with this secret, in base32, shows at a time in Unix milliseconds. */
export function codeAt(secret: string, timestamp: number): string {
  const totp = new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 });
  return totp.generate({ timestamp });
}

/** The authenticator app of a test: shows the code of a time. */
export class App {
  readonly #secret: string;
  readonly #api: Pick<TestApi, 'clock'>;

  constructor(secret: string, api: Pick<TestApi, 'clock'>) {
    this.#secret = secret;
    this.#api = api;
  }

  /** Returns the code of a step: the current one, or one before or after it. */
  code(step = 0): string {
    return codeAt(this.#secret, this.#api.clock.now.getTime() + step * 30_000);
  }
}

/** Moves the clock to the next code. */
export function nextCode(api: TestApi): void {
  api.clock.now = new Date(api.clock.now.getTime() + 30_000);
}

const start = `mutation ($signIn: String) { startAuthenticatorApp(signIn: $signIn) {
  __typename ... on StartAuthenticatorAppPayload { challenge secret uri qrCode } ... on UserError { code } } }`;

/** Starts the addition of an app. Returns the result, with the app. */
export async function startApp(api: TestApi, client: Client, signIn: string | null = null): Promise<Data> {
  const { startAuthenticatorApp: started } = await client.ask(start, { signIn });
  return { ...started, app: started.secret === undefined ? null : new App(started.secret, api) };
}

const confirm = `mutation ($challenge: String!, $code: String!, $signIn: String) {
  confirmAuthenticatorApp(challenge: $challenge, code: $code, signIn: $signIn) {
    __typename ... on FactorPayload { token antiCSRFToken deviceToken recoveryCodes passkey { id } viewer { email } session { handle } }
    ... on UserError { code } } }`;

/** Sends a code of the new app, and returns the result. */
export async function confirmApp(client: Client, variables: Data): Promise<Data> {
  return (await client.ask(confirm, { signIn: null, ...variables })).confirmAuthenticatorApp;
}

/** Adds an app to the account of a signed-in client. */
export async function addApp(api: TestApi, client: Client): Promise<App> {
  const { challenge, app } = await startApp(api, client);
  expect((await confirmApp(client, { challenge, code: app.code() })).__typename).toBe('FactorPayload');
  nextCode(api);
  return app;
}

const complete = `mutation ($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) {
  completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) {
    __typename ... on SignInPayload { token antiCSRFToken deviceToken viewer { email } session { handle } }
    ... on SecondFactorEnrolmentRequired { challenge }
    ... on UserError { code message } ... on ChallengeInvalidError { reason } } }`;

/** Answers the challenge of a login, and returns the result. */
export async function completeLogin(client: Client, challenge: string, answer: object, trustDevice = false) {
  return (await client.ask(complete, { challenge, answer, trustDevice })).completeLogin;
}
