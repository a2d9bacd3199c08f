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
      ... on MailRequestPayload {
        email
      }
      ... on EmailTakenError {
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
      ... on InvalidCredentialsError {
        message
      }
      ... on AccountSuspendedError {
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
