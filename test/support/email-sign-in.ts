import { expect } from 'vitest';
import { type Client, type Data, type Settings, startApi, type TestApi } from './api.ts';
import { encryptionKeysOf } from './encryption-keys.ts';
import { type Delivered, deliverMail } from './mail.ts';

export const email = 'ada@example.com';

/** The settings of a server that signs users in by email. */
export const byEmail: Settings = { encryptionKeys: encryptionKeysOf(), emailSignIn: { createsAccounts: false } };

/** A server that signs users in by email, with an account whose address is proved, on a device of its own. */
export async function startByEmail(settings: Settings = {}): Promise<{ api: TestApi; ada: Client }> {
  const api = await startApi({ ...byEmail, ...settings });
  const ada = await api.signUp(email);
  await api.database.user.update({ where: { email }, data: { emailVerifiedAt: api.clock.now } });
  await deliverMail(api);
  return { api, ada };
}

const request = `mutation ($email: String!, $transport: Transport!) {
  requestEmailSignIn(email: $email, transport: $transport) { challenge email expiresAt } }`;

/** Requests a sign-in, and returns the result. */
export async function requestSignIn(client: Client, address = email, transport = 'COOKIE'): Promise<Data> {
  return (await client.ask(request, { email: address, transport })).requestEmailSignIn;
}

/** The secrets of a mail. */
export type SignInMail = Delivered & { code: string; token: string };

/** Delivers the mail of a server, and returns the only one about a sign-in. */
export async function signInMail(api: TestApi): Promise<SignInMail> {
  const mails = (await deliverMail(api)).filter(({ name }) => name === 'sign-in' || name === 'sign-up-by-email');
  expect(mails).toHaveLength(1);
  return secretsOf(mails[0] as Delivered);
}

export function secretsOf(mail: Delivered): SignInMail {
  return { ...mail, code: /^\d{6}$/m.exec(mail.text)?.[0] ?? '', token: mail.token ?? '' };
}

/** Requests a sign-in, and returns the challenge with the secrets of the mail. */
export async function mailedSignIn(api: TestApi, client: Client, address = email) {
  const { challenge } = await requestSignIn(client, address);
  const { code, token } = await signInMail(api);
  return { challenge, code, token };
}

/** Returns a code that differs from this one. */
export function wrongCode(code = '000000'): string {
  return code === '000000' ? '000001' : '000000';
}

const signedIn = `__typename
  ... on SignInPayload { token antiCSRFToken deviceToken viewer { id email } session { handle } }
  ... on SecondFactorRequired { challenge methods }
  ... on SecondFactorEnrolmentRequired { challenge }
  ... on UserError { code message }`;

const byCode = `mutation ($challenge: String!, $code: String!, $remember: Boolean!) {
  signInWithEmailCode(challenge: $challenge, code: $code, remember: $remember) {
    ${signedIn} ... on ChallengeInvalidError { reason } } }`;

/** Signs in by a code, and returns the result. */
export async function signInByCode(client: Client, answer: { challenge: string; code: string }, remember = true) {
  const { challenge, code } = answer;
  return (await client.ask(byCode, { challenge, code, remember })).signInWithEmailCode as Data;
}

const byLink = `mutation ($token: String!, $transport: Transport!) {
  signInWithEmailLink(token: $token, transport: $transport) { ${signedIn} } }`;

/** Signs in by the token of a link, and returns the result. */
export async function signInByLink(client: Client, token: string, transport = 'COOKIE'): Promise<Data> {
  return (await client.ask(byLink, { token, transport })).signInWithEmailLink;
}

export const minuteMs = 60_000;

/** Moves the clock of a server. */
export function pass(api: TestApi, milliseconds: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + milliseconds);
}

export async function isSignedIn(client: Client): Promise<boolean> {
  return (await client.ask('{ viewer { id } }')).viewer !== null;
}

/** Returns the types of all recorded events, in their order. */
export async function eventsOf(api: TestApi): Promise<string[]> {
  return (await api.database.auditEvent.findMany({ orderBy: { id: 'asc' } })).map(({ type }) => type);
}

/** Returns the codes of refusals, and the types of other results. */
export function namesOf(results: Data[]): string[] {
  return results.map(({ __typename, code }) => code ?? __typename);
}
