import { graphql } from './generated/index.ts';

export const signUpDocument = graphql(`
  mutation SignUp($email: String!, $password: String!) {
    signUp(email: $email, password: $password, transport: BEARER) {
      __typename
      ... on SignInPayload { ...SignIn }
      ... on SecondFactorEnrolmentRequired { challenge }
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
      ... on SecondFactorRequired { challenge methods canTrustDevice }
      ... on SecondFactorEnrolmentRequired { challenge }
      ... on UserError { message }
      ... on ValidationError { issues { path message } }
      ... on RateLimitedError { retryAfterSeconds }
    }
  }
`);

export const completeLoginDocument = graphql(`
  mutation CompleteLogin($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) {
    completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) {
      __typename
      ... on SignInPayload { ...SignIn }
      ... on SecondFactorEnrolmentRequired { challenge }
      ... on UserError { message }
      ... on RateLimitedError { retryAfterSeconds }
    }
  }
`);

export const startAppDocument = graphql(`
  mutation StartApp($signIn: String) {
    startAuthenticatorApp(signIn: $signIn, transport: BEARER) {
      __typename
      ... on StartAuthenticatorAppPayload { challenge secret uri qrCode }
      ... on UserError { message }
    }
  }
`);

export const confirmAppDocument = graphql(`
  mutation ConfirmApp($challenge: String!, $code: String!, $signIn: String) {
    confirmAuthenticatorApp(challenge: $challenge, code: $code, signIn: $signIn) {
      __typename
      ... on FactorPayload { token deviceToken recoveryCodes }
      ... on UserError { message }
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
