import { graphql } from './graphql.ts';

export const viewerQuery = graphql('query Viewer { viewer { id email } }');

export const devicesQuery = graphql(`
  query Devices {
    viewer { id email sessions { id clientName isCurrent lastSeenAt } }
  }
`);

export const signUpMutation = graphql(`
  mutation SignUp($email: String!, $password: String!, $transport: Transport!) {
    signUp(email: $email, password: $password, transport: $transport) {
      __typename
      ... on SignInPayload { token deviceToken antiCSRFToken viewer { id email } }
      ... on SecondFactorEnrolmentRequired { challenge }
      ... on MailRequestPayload { email }
      ... on UserError { code message }
      ... on RateLimitedError { retryAfterSeconds }
      ... on ValidationError { issues { path message } }
    }
  }
`);

export const loginMutation = graphql(`
  mutation Login($email: String!, $password: String!, $transport: Transport!) {
    login(email: $email, password: $password, transport: $transport) {
      __typename
      ... on SignInPayload { token deviceToken antiCSRFToken viewer { id email } }
      ... on SecondFactorRequired { challenge methods canTrustDevice }
      ... on SecondFactorEnrolmentRequired { challenge }
      ... on UserError { code message }
      ... on RateLimitedError { retryAfterSeconds }
      ... on ValidationError { issues { path message } }
    }
  }
`);

/** The second step of a login. */
export const completeLoginMutation = graphql(`
  mutation CompleteLogin($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) {
    completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) {
      __typename
      ... on SignInPayload { token deviceToken antiCSRFToken viewer { id email } }
      ... on SecondFactorEnrolmentRequired { challenge }
      ... on UserError { code message }
      ... on RateLimitedError { retryAfterSeconds }
    }
  }
`);

export const startAppMutation = graphql(`
  mutation StartApp($signIn: String, $transport: Transport!) {
    startAuthenticatorApp(signIn: $signIn, transport: $transport) {
      __typename
      ... on StartAuthenticatorAppPayload { challenge secret qrCode }
      ... on UserError { code message }
    }
  }
`);

export const confirmAppMutation = graphql(`
  mutation ConfirmApp($challenge: String!, $code: String!, $signIn: String) {
    confirmAuthenticatorApp(challenge: $challenge, code: $code, signIn: $signIn) {
      __typename
      ... on FactorPayload { token deviceToken antiCSRFToken recoveryCodes viewer { id email } }
      ... on UserError { code message }
      ... on RateLimitedError { retryAfterSeconds }
    }
  }
`);

export const revokeMutation = graphql(`
  mutation Revoke($id: ID!) {
    revoke(id: $id) {
      __typename
      ... on RevokePayload { revokedSessionId session { id } }
      ... on UserError { code message }
    }
  }
`);

export const logoutMutation = graphql('mutation Logout { logout { revokedSessionId } }');

/** After a reload, a page with a cookie asks again for the anti-CSRF token of its session. */
export const antiCSRFTokenQuery = graphql('query AntiCSRFToken { currentSession { id antiCSRFToken } }');
