import { expect } from 'vitest';
import type { Client, Data, TestApi } from './api.ts';
import { Authenticator, type Deviation } from './authenticator.ts';

const refused = '... on UserError { code message }';
const invalid = `${refused} ... on ChallengeInvalidError { challengeReason: reason }`;
const rejected = `${invalid} ... on PasskeyRejectedError { reason }`;

/** Returns an authenticator whose browser shows a page of the API. */
export function authenticatorOf({ config }: TestApi): Authenticator {
  return new Authenticator(config.publicUrl.origin);
}

const start = `mutation ($signIn: String, $conditional: Boolean!, $transport: Transport!) {
  startPasskeyRegistration(signIn: $signIn, conditional: $conditional, transport: $transport) {
    __typename ... on PasskeyChallenge { challenge expiresAt options } ${invalid} } }`;

export async function startRegistration(client: Client, variables: Data = {}): Promise<Data> {
  const defaults = { signIn: null, conditional: false, transport: client.token === null ? 'COOKIE' : 'BEARER' };
  return (await client.ask(start, { ...defaults, ...variables })).startPasskeyRegistration;
}

const finish = `mutation ($challenge: String!, $response: JSON!, $name: String, $signIn: String) {
  finishPasskeyRegistration(challenge: $challenge, response: $response, name: $name, signIn: $signIn) {
    __typename
    ... on FactorPayload {
      passkey { id name credentialId isSynced isBackedUp aaguid transports createdAt lastUsedAt }
      token antiCSRFToken deviceToken viewer { email passkeySignals { rpId userHandle credentialIds } } session { handle } }
    ${rejected} } }`;

export async function finishRegistration(client: Client, variables: Data): Promise<Data> {
  return (await client.ask(finish, { signIn: null, name: null, ...variables })).finishPasskeyRegistration;
}

/** Adds a passkey of an authenticator to the account of a signed-in client, and returns it. */
export async function addPasskey(
  client: Client,
  authenticator: Authenticator,
  deviation: Deviation = {},
): Promise<Data> {
  const { challenge, options } = await startRegistration(client);
  const added = await finishRegistration(client, { challenge, response: authenticator.create(options, deviation) });
  expect(added.__typename).toBe('FactorPayload');
  return added.passkey;
}

const startLoginText = `mutation ($transport: Transport!) { startPasskeyLogin(transport: $transport) {
  __typename ... on PasskeyChallenge { challenge expiresAt options } ${refused} } }`;

export async function startLogin(client: Client, transport = 'COOKIE'): Promise<Data> {
  return (await client.ask(startLoginText, { transport })).startPasskeyLogin;
}

const finishLoginText = `mutation ($challenge: String!, $response: JSON!, $remember: Boolean!) {
  finishPasskeyLogin(challenge: $challenge, response: $response, remember: $remember) {
    __typename ... on SignInPayload { token antiCSRFToken deviceToken viewer { email } session { handle } }
    ${rejected} } }`;

export async function finishLogin(client: Client, challenge: string, response: object, remember = true): Promise<Data> {
  return (await client.ask(finishLoginText, { challenge, response, remember })).finishPasskeyLogin;
}

/** Logs a client in by a passkey of an authenticator, and returns the result. */
export async function loginByPasskey(
  client: Client,
  authenticator: Authenticator,
  deviation: Deviation = {},
): Promise<Data> {
  const { challenge, options } = await startLogin(client);
  return finishLogin(client, challenge, authenticator.get(options, deviation));
}

const passwordLogin = `mutation ($email: String!, $password: String!) { login(email: $email, password: $password) {
  __typename ... on SecondFactorRequired { challenge methods passkeyOptions } ${refused} } }`;

/** Logs in with a password, and returns the result with the options for a passkey. */
export async function loginForSecondFactor(client: Client, email: string, password: string): Promise<Data> {
  return (await client.ask(passwordLogin, { email, password })).login;
}

/** Returns the row of a passkey that no authenticator has. */
export function passkeyRow(userId: bigint, createdAt: Date) {
  return {
    createdAt,
    userId,
    credentialId: `credential-${userId}`,
    publicKey: 'none',
    counter: 0n,
    isBackedUp: false,
    isBackupEligible: false,
    aaguid: '00000000-0000-0000-0000-000000000000',
    userHandle: `handle-${userId}`,
  };
}
