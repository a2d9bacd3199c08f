import { graphql } from './generated/index.ts';

export const signUpDocument = graphql(`
  mutation SignUp($email: String!, $password: String!) {
    signUp(email: $email, password: $password, transport: BEARER) {
      __typename
      ... on SignInPayload { ...SignIn }
      ... on UserError { message }
      ... on ValidationError { issues { path message } }
      ... on RateLimitedError { retryAfterSeconds }
      ... on MailRequestPayload { email }
    }
  }
`);

export const loginDocument = graphql(`
  mutation Login($email: String!, $password: String!) {
    login(email: $email, password: $password, transport: BEARER) {
      __typename
      ... on SignInPayload { ...SignIn }
      ... on UserError { message }
      ... on ValidationError { issues { path message } }
      ... on RateLimitedError { retryAfterSeconds }
    }
  }
`);

/** Is found by its name in the documents above. */
export const signInFragment = graphql(`
  fragment SignIn on SignInPayload {
    token
    deviceToken
    viewer { id email }
  }
`);

export const viewerDocument = graphql(`
  query Viewer {
    viewer {
      id
      email
      sessions { id clientName lastSeenAt isCurrent }
    }
  }
`);

export const revokeDocument = graphql(`
  mutation Revoke($id: ID!) {
    revoke(id: $id) {
      __typename
      ... on RevokePayload { revokedSessionId }
      ... on UserError { message }
    }
  }
`);
