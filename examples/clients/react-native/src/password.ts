import { type Client, unknownResult } from './client.ts';
import { graphql } from './graphql.ts';

const reauthenticateDocument = graphql(`
  mutation Reauthenticate($password: String!) {
    reauthenticate(password: $password) {
      __typename
      ... on ReauthenticatePayload { token }
      ... on UserError { message }
    }
  }
`);

const changePasswordDocument = graphql(`
  mutation ChangePassword($currentPassword: String!, $newPassword: String!) {
    changePassword(currentPassword: $currentPassword, newPassword: $newPassword) {
      __typename
      ... on ChangePasswordPayload { token }
      ... on UserError { message }
      ... on ValidationError { issues { path message } }
    }
  }
`);

/** Proves the password again. Returns null on success, and otherwise a sentence for the user. */
export async function reauthenticate(client: Client, password: string): Promise<string | null> {
  const { reauthenticate: result } = await client.rotate(reauthenticateDocument, { password }, (data) =>
    data.reauthenticate?.__typename === 'ReauthenticatePayload' ? data.reauthenticate.token : null,
  );
  switch (result?.__typename) {
    case 'ReauthenticatePayload':
      return null;
    case 'InvalidCredentialsError':
    case 'RateLimitedError':
    // Only for proofs by a passkey.
    case 'ChallengeInvalidError':
    case 'PasskeyRejectedError':
      return result.message;
    case undefined:
      throw new Error('A mutation is null only together with an error.');
    default:
      return unknownResult(result);
  }
}

/** Changes the password, which signs all other devices out. Returns null on success, and otherwise a sentence. */
export async function changePassword(client: Client, passwords: { currentPassword: string; newPassword: string }) {
  const { changePassword: result } = await client.rotate(changePasswordDocument, passwords, (data) =>
    data.changePassword?.__typename === 'ChangePasswordPayload' ? data.changePassword.token : null,
  );
  switch (result?.__typename) {
    case 'ChangePasswordPayload':
      return null;
    case 'ValidationError':
      return result.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
    case 'InvalidCredentialsError':
    case 'RateLimitedError':
      return result.message;
    case undefined:
      throw new Error('A mutation is null only together with an error.');
    default:
      return unknownResult(result);
  }
}
