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
      ... on UserError { code message }
      ... on RateLimitedError { retryAfterSeconds }
      ... on ValidationError { issues { path message } }
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
