import type { ResultOf } from 'gql.tada';
import { addApp, type NewApp } from './authenticator-app.ts';
import { type Client, unknownResult } from './client.ts';
import { graphql } from './graphql.ts';
import { solve } from './proof-of-work.ts';

const signInFields = graphql(`
  fragment SignInFields on SignInPayload @_unmask {
    token
    deviceToken
    viewer { id email }
  }
`);

const signUpDocument = graphql(
  `
    mutation SignUp($email: String!, $password: String!, $proofOfWork: String) {
      signUp(email: $email, password: $password, transport: BEARER, proofOfWork: $proofOfWork) {
        __typename
        ...SignInFields
        ... on SecondFactorEnrolmentRequired { challenge }
        ... on ProofOfWorkRequiredError { puzzle }
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
    mutation Login($identifier: String!, $password: String!, $proofOfWork: String) {
      login(identifier: $identifier, password: $password, transport: BEARER, proofOfWork: $proofOfWork) {
        __typename
        ...SignInFields
        ... on SecondFactorRequired { challenge methods canTrustDevice }
        ... on SecondFactorEnrolmentRequired { challenge }
        ... on ProofOfWorkRequiredError { puzzle }
        ... on UserError { message }
        ... on ValidationError { issues { path message } }
        ... on RateLimitedError { retryAfterSeconds }
      }
    }
  `,
  [signInFields],
);

const completeLoginDocument = graphql(
  `
    mutation CompleteLogin($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) {
      completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) {
        __typename
        ...SignInFields
        ... on SecondFactorEnrolmentRequired { challenge }
        ... on UserError { message }
        ... on RateLimitedError { retryAfterSeconds }
      }
    }
  `,
  [signInFields],
);

type SignUpResult = ResultOf<typeof signUpDocument>['signUp'];
type LoginResult = ResultOf<typeof loginDocument>['login'];
type CompleteLoginResult = ResultOf<typeof completeLoginDocument>['completeLogin'];

/** A login that waits for a code of a second factor. */
export type SecondFactor = Extract<LoginResult, { __typename: 'SecondFactorRequired' }>;

/** Null: the user is signed in. Text: a refusal, for the user. An object: the user has to type a code. */
export type NextStep = SecondFactor | NewApp | string | null;

/** Signs up. */
export async function signUp(client: Client, email: string, password: string): Promise<NextStep> {
  const variables = { email, password };
  const { signUp: result } = await client.request(signUpDocument, variables);
  if (result?.__typename !== 'ProofOfWorkRequiredError') return applyResult(client, result);
  const proofOfWork = await solve(result.puzzle);
  return applyResult(client, (await client.request(signUpDocument, { ...variables, proofOfWork })).signUp);
}

// #region log-in
/**
 * Logs in with an email address, or with a username if the server has usernames. If the server asks for a proof of work,
 * it does the work, and tries again.
 */
export async function login(client: Client, identifier: string, password: string): Promise<NextStep> {
  const variables = { identifier, password };
  const { login: result } = await client.request(loginDocument, variables);
  if (result?.__typename !== 'ProofOfWorkRequiredError') return applyResult(client, result);
  const proofOfWork = await solve(result.puzzle);
  return applyResult(client, (await client.request(loginDocument, { ...variables, proofOfWork })).login);
}
// #endregion

type Code = { code: string; trustDevice: boolean };

// #region second-step
/** Answers the second step of a login. After a wrong code, the step is valid for further ones. */
export async function completeLogin(
  client: Client,
  step: SecondFactor,
  { code, trustDevice }: Code,
): Promise<NextStep> {
  // The code of an app has six digits. A recovery code has letters.
  const answer = /^[\d\s]+$/.test(code) ? { totpCode: code } : { recoveryCode: code };
  const variables = { challenge: step.challenge, answer, trustDevice };
  return applyResult(client, (await client.request(completeLoginDocument, variables)).completeLogin);
}
// #endregion

type Result = SignUpResult | LoginResult | CompleteLoginResult;

// #region narrow
/** Keeps the tokens, or returns what is next. It does not compile if the schema has a member that it does not handle. */
async function applyResult(client: Client, result: Result): Promise<NextStep> {
  switch (result?.__typename) {
    case 'SignInPayload':
      client.keep(result);
      return null;
    case 'SecondFactorRequired':
      return result;
    case 'SecondFactorEnrolmentRequired':
      return addApp(client, result.challenge);
    case 'MailRequestPayload':
      return `We mailed a link to ${result.email}. Follow it to finish.`;
    case 'ValidationError':
      return result.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
    case 'RateLimitedError':
      return `Too many attempts. Try again in ${result.retryAfterSeconds} seconds.`;
    case 'EmailTakenError':
    case 'UsernameTakenError':
    case 'InvalidCredentialsError':
    case 'AccountSuspendedError':
    case 'ProofOfWorkRequiredError':
    case 'ChallengeInvalidError':
    case 'PasskeyRejectedError':
      return result.message;
    case undefined:
      throw new Error('A mutation is null only together with an error.');
    default:
      return unknownResult(result);
  }
}
// #endregion
