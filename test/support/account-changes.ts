import { expect } from 'vitest';
import { type Client, type Data, password, startApi, type TestApi } from './api.ts';
import { type Delivered, deliverMail, tokenIn } from './mail.ts';

/** Signs up a user who proves the address. */
export async function signUpProved(api: TestApi, email: string): Promise<Client> {
  const client = await api.signUp(email, 'BEARER');
  const mails = (await deliverMail(api)).filter(({ to }) => to === email);
  const token = tokenIn(mails, 'verify-email');
  expect(await client.act('verifyEmail', { token })).toMatchObject({ __typename: 'ViewerPayload' });
  return client;
}

/** Changes the password in a session, and returns the mail about it. */
export async function changePassword(api: TestApi, client: Client, [from, to]: [string, string]): Promise<Delivered> {
  const result = await client.act('changePassword', { currentPassword: from, newPassword: to });
  expect(result).toMatchObject({ __typename: 'ChangePasswordPayload' });
  return onlyMail(await deliverMail(api), 'password-changed');
}

/** Changes the address in a session, and returns the mail to the old one. */
export async function changeEmail(
  api: TestApi,
  client: Client,
  newEmail: string,
  secret = password,
): Promise<Delivered> {
  const requested = await client.act('requestEmailChange', { newEmail, password: secret });
  expect(requested).toMatchObject({ __typename: 'MailRequestPayload' });
  const token = tokenIn(await deliverMail(api), 'confirm-email-change');
  expect(await client.act('confirmEmailChange', { token })).toMatchObject({ __typename: 'ViewerPayload' });
  return onlyMail(await deliverMail(api), 'email-changed');
}

/** Undoes a change by the link in a mail, in a client without a session. */
export function undo(api: TestApi, { token }: Pick<Delivered, 'token'>): Promise<Data> {
  return api
    .client()
    .act('undoChange', { token }, '... on UndoChangePayload { email hasPassword } ... on UserError { code }');
}

/** Returns the outcome of a login: its type, or the code of its refusal. */
export async function loginOutcome(api: TestApi, email: string, secret: string): Promise<string> {
  const { __typename, code } = await api.client().login(email, 'BEARER', secret);
  return code ?? __typename;
}

function onlyMail(mails: Delivered[], name: string): Delivered {
  const found = mails.filter((mail) => mail.name === name);
  expect(found).toHaveLength(1);
  return found[0] as Delivered;
}

/** Returns a client with the tokens of another one, as a thief has. */
function copyOf(api: TestApi, { token, deviceToken }: Client): Client {
  return Object.assign(api.client(), { token, deviceToken });
}

/** A thief with the password and a stolen session changes the password, the address, and the password again. */
export async function takeOver() {
  const stolen = 'password of the thief';
  const api = await startApi();
  const owner = await signUpProved(api, 'ada@example.com');
  const other = api.client();
  await other.login('ada@example.com', 'BEARER');
  const robber = copyOf(api, other);
  const first = await changePassword(api, robber, [password, stolen]);
  const second = await changeEmail(api, robber, 'thief@example.net', stolen);
  const third = await changePassword(api, robber, [stolen, `${stolen}!`]);
  return { api, owner, robber, first, second, third };
}

/** Returns the user of a client's session, or null. */
export async function viewerOf(client: Client) {
  return (await client.ask('{ viewer { email } }')).viewer;
}
