import { graphql } from 'relay-runtime';

/**
 * With `@catch`, the types of mutations are never null: the schema says that null comes only with an error.
 * The types tell the members of a union apart if each member has a fragment of its own.
 */
export const signUpMutation = graphql`
  mutation mutationsSignUpMutation($email: String!, $password: String!) @catch {
    signUp(email: $email, password: $password, transport: BEARER) {
      __typename
      ... on SignInPayload {
        token
        deviceToken
        viewer {
          id
          email
        }
      }
      ... on SecondFactorEnrolmentRequired {
        challenge
      }
      ... on MailRequestPayload {
        email
      }
      ... on EmailTakenError {
        message
      }
      ... on UsernameTakenError {
        message
      }
      ... on ProofOfWorkRequiredError {
        message
      }
      ... on RateLimitedError {
        retryAfterSeconds
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
    }
  }
`;

export const loginMutation = graphql`
  mutation mutationsLoginMutation($email: String!, $password: String!) @catch {
    login(email: $email, password: $password, transport: BEARER) {
      __typename
      ... on SignInPayload {
        token
        deviceToken
        viewer {
          id
          email
        }
      }
      ... on SecondFactorRequired {
        challenge
        methods
        canTrustDevice
      }
      ... on SecondFactorEnrolmentRequired {
        challenge
      }
      ... on InvalidCredentialsError {
        message
      }
      ... on AccountSuspendedError {
        message
      }
      ... on ProofOfWorkRequiredError {
        message
      }
      ... on RateLimitedError {
        retryAfterSeconds
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
    }
  }
`;

// #region complete-login
/** The second step of a login. */
export const completeLoginMutation = graphql`
  mutation mutationsCompleteLoginMutation($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) @catch {
    completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) {
      __typename
      ... on SignInPayload {
        token
        deviceToken
        viewer {
          id
          email
        }
      }
      ... on SecondFactorEnrolmentRequired {
        challenge
      }
      ... on InvalidCredentialsError {
        message
      }
      ... on ChallengeInvalidError {
        message
      }
      ... on PasskeyRejectedError {
        message
      }
      ... on AccountSuspendedError {
        message
      }
      ... on RateLimitedError {
        retryAfterSeconds
      }
    }
  }
`;
// #endregion

export const startAppMutation = graphql`
  mutation mutationsStartAppMutation($signIn: String) @catch {
    startAuthenticatorApp(signIn: $signIn, transport: BEARER) {
      __typename
      ... on StartAuthenticatorAppPayload {
        challenge
        secret
        qrCode
      }
      ... on ChallengeInvalidError {
        message
      }
      ... on ReauthenticationRequiredError {
        message
      }
      ... on EncryptionKeysMissingError {
        message
      }
    }
  }
`;

export const confirmAppMutation = graphql`
  mutation mutationsConfirmAppMutation($challenge: String!, $code: String!, $signIn: String) @catch {
    confirmAuthenticatorApp(challenge: $challenge, code: $code, signIn: $signIn) {
      __typename
      ... on FactorPayload {
        token
        deviceToken
        recoveryCodes
        viewer {
          id
          email
        }
      }
      ... on InvalidCredentialsError {
        message
      }
      ... on ChallengeInvalidError {
        message
      }
      ... on EncryptionKeysMissingError {
        message
      }
      ... on AccountSuspendedError {
        message
      }
      ... on RateLimitedError {
        retryAfterSeconds
      }
    }
  }
`;

// #region revoke
/** `@deleteEdge` takes the session out of the lists. */
export const revokeMutation = graphql`
  mutation mutationsRevokeMutation($id: ID!, $connections: [ID!]!) @catch {
    revoke(id: $id) {
      __typename
      ... on RevokePayload {
        session {
          id @deleteEdge(connections: $connections)
          state
        }
      }
      ... on SessionNotFoundError {
        message
      }
      ... on ReauthenticationRequiredError {
        message
      }
    }
  }
`;
// #endregion

export const logoutMutation = graphql`
  mutation mutationsLogoutMutation @catch {
    logout {
      revokedSessionId
    }
  }
`;
