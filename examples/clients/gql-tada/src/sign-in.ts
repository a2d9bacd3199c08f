import type { ResultOf } from 'gql.tada';
import { type Client, unknownResult } from './client.ts';
import { graphql } from './graphql.ts';

const signInFields = graphql(`
  fragment SignInFields on SignInPayload @_unmask {
    token
    deviceToken
    viewer { id email }
  }
`);

const signUpDocument = graphql(
  `
    mutation SignUp($email: String!, $password: String!) {
      signUp(email: $email, password: $password, transport: BEARER) {
        __typename
        ...SignInFields
        ... on UserError { message }
        ... on ValidationError { issues { path message } }
        ... on RateLimitedError { retryAfterSeconds }
        ... on MailRequestPayload { email }
      }
    }
  `,
  [signInFields],
);

const loginDocument = graphql(
  `
    mutation Login($email: String!, $password: String!) {
      login(email: $email, password: $password, transport: BEARER) {
        __typename
        ...SignInFields
        ... on UserError { message }
        ... on ValidationError { issues { path message } }
        ... on RateLimitedError { retryAfterSeconds }
      }
    }
  `,
  [signInFields],
);

type SignUpResult = ResultOf<typeof signUpDocument>['signUp'];
type LoginResult = ResultOf<typeof loginDocument>['login'];

/** Signs up. Returns null on success, and otherwise a sentence for the user. */
export async function signUp(client: Client, email: string, password: string): Promise<string | null> {
  const { signUp: result } = await client.request(signUpDocument, { email, password });
  return applyResult(client, result);
}

/** Logs in. Returns null on success, and otherwise a sentence for the user. */
export async function login(client: Client, email: string, password: string): Promise<string | null> {
  const { login: result } = await client.request(loginDocument, { email, password });
  return applyResult(client, result);
}

// #region narrow
/** Keeps the tokens, or returns a sentence. It does not compile if the schema has a member that it does not handle. */
function applyResult(client: Client, result: SignUpResult | LoginResult): string | null {
  switch (result?.__typename) {
    case 'SignInPayload':
      client.sessionToken = result.token;
      // Null if the server knows this device already.
      client.deviceToken = result.deviceToken ?? client.deviceToken;
      return null;
    case 'MailRequestPayload':
      return `We mailed a link to ${result.email}. Follow it to finish.`;
    case 'ValidationError':
      return result.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
    case 'RateLimitedError':
      return `Too many attempts. Try again in ${result.retryAfterSeconds} seconds.`;
    case 'EmailTakenError':
    case 'InvalidCredentialsError':
    case 'AccountSuspendedError':
      return result.message;
    case undefined:
      throw new Error('A mutation is null only together with an error.');
    default:
      return unknownResult(result);
  }
}
// #endregion
