import { graphql } from 'relay-runtime';

/** Relay's types tell the members of a union apart if each has a fragment of its own. */
export const signUpMutation = graphql`
  mutation mutationsSignUpMutation($email: String!, $password: String!) {
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
  mutation mutationsLoginMutation($email: String!, $password: String!) {
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
  mutation mutationsRevokeMutation($id: ID!, $connections: [ID!]!) {
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
  mutation mutationsLogoutMutation {
    logout {
      revokedSessionId
    }
  }
`;
