import { addApp, type NewApp } from './authenticator-app.ts';
import { type Client, unknownResult } from './client.ts';
import { completeLoginDocument, loginDocument, signUpDocument } from './documents.ts';
import type { CompleteLoginMutation, LoginMutation, SignUpMutation } from './generated/graphql.ts';

/** A login that waits for a code of a second factor. */
export type SecondFactor = Extract<LoginMutation['login'], { __typename: 'SecondFactorRequired' }>;

/** Null: the user is signed in. Text: a refusal, for the user. An object: the user has to type a code. */
export type NextStep = SecondFactor | NewApp | string | null;

/** Signs up. */
export async function signUp(client: Client, email: string, password: string): Promise<NextStep> {
  const { signUp: result } = await client.execute(signUpDocument, { email, password });
  return applyResult(client, result);
}

/** Logs in. */
export async function login(client: Client, email: string, password: string): Promise<NextStep> {
  const { login: result } = await client.execute(loginDocument, { email, password });
  return applyResult(client, result);
}

type Code = { code: string; trustDevice: boolean };

/** Answers the second step of a login. After a wrong code, the step is valid for further ones. */
export async function completeLogin(
  client: Client,
  step: SecondFactor,
  { code, trustDevice }: Code,
): Promise<NextStep> {
  // The code of an app has six digits. A recovery code has letters.
  const answer = /^[\d\s]+$/.test(code) ? { totpCode: code } : { recoveryCode: code };
  const variables = { challenge: step.challenge, answer, trustDevice };
  return applyResult(client, (await client.execute(completeLoginDocument, variables)).completeLogin);
}

type Result = SignUpMutation['signUp'] | LoginMutation['login'] | CompleteLoginMutation['completeLogin'];

/** Keeps the tokens, or returns what is next. It does not compile if the schema has a member that it does not handle. */
async function applyResult(client: Client, result: Result): Promise<NextStep> {
  switch (result.__typename) {
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
    // The client in examples/clients/gql-tada does the work instead of showing the message.
    case 'ProofOfWorkRequiredError':
    case 'ChallengeInvalidError':
    case 'PasskeyRejectedError':
      return result.message;
    default:
      return unknownResult(result);
  }
}
