import { type Client, unknownResult } from './client.ts';
import { loginDocument, signUpDocument } from './documents.ts';
import type { LoginMutation, SignUpMutation } from './generated/graphql.ts';

/** Signs up. Returns null on success, and otherwise a sentence for the user. */
export async function signUp(client: Client, email: string, password: string): Promise<string | null> {
  const { signUp: result } = await client.execute(signUpDocument, { email, password });
  return applyResult(client, result);
}

/** Logs in. Returns null on success, and otherwise a sentence for the user. */
export async function login(client: Client, email: string, password: string): Promise<string | null> {
  const { login: result } = await client.execute(loginDocument, { email, password });
  return applyResult(client, result);
}

/** Keeps the tokens, or returns a sentence. It does not compile if the schema has a member that it does not handle. */
function applyResult(client: Client, result: SignUpMutation['signUp'] | LoginMutation['login']): string | null {
  switch (result.__typename) {
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
    default:
      return unknownResult(result);
  }
}
