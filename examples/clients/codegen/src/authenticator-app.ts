import { type Client, unknownResult } from './client.ts';
import { confirmAppDocument, startAppDocument } from './documents.ts';
import type { StartAppMutation } from './generated/graphql.ts';

type Started = Extract<StartAppMutation['startAuthenticatorApp'], { __typename: 'StartAuthenticatorAppPayload' }>;

/** An authenticator app that waits for its first code. `signIn` is the challenge of a sign-in that needs the app. */
export type NewApp = Started & { signIn: string | null };

/**
 * Starts the addition of an authenticator app, or returns a sentence for the user.
 *
 * @param signIn - the challenge of a sign-in that needs the app. Null for the signed-in user
 */
export async function addApp(client: Client, signIn: string | null): Promise<NewApp | string> {
  const { startAuthenticatorApp: result } = await client.execute(startAppDocument, { signIn });
  switch (result.__typename) {
    case 'StartAuthenticatorAppPayload':
      return { ...result, signIn };
    case 'ChallengeInvalidError':
    case 'ReauthenticationRequiredError':
    case 'EncryptionKeysMissingError':
      return result.message;
    default:
      return unknownResult(result);
  }
}

/**
 * Adds the app by its first code, and signs the user in. Returns the recovery codes, which the user has to keep, or a
 * sentence for the user.
 */
export async function confirmApp(client: Client, app: NewApp, code: string): Promise<string[] | string> {
  const { challenge, signIn } = app;
  const { confirmAuthenticatorApp: result } = await client.execute(confirmAppDocument, { challenge, code, signIn });
  switch (result.__typename) {
    case 'FactorPayload':
      client.keep(result);
      return result.recoveryCodes ?? [];
    case 'InvalidCredentialsError':
    case 'ChallengeInvalidError':
    case 'EncryptionKeysMissingError':
    case 'AccountSuspendedError':
    case 'RateLimitedError':
      return result.message;
    default:
      return unknownResult(result);
  }
}
