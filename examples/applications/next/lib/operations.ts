const signInFields = /* GraphQL */ `
  fragment SignInFields on SignInPayload { viewer { email } }
  fragment Enrolment on SecondFactorEnrolmentRequired { challenge }
  fragment Refusal on UserError {
    code
    message
    ... on ValidationError { issues { message } }
  }
`;

export const logInMutation = /* GraphQL */ `
  mutation LogIn($email: String!, $password: String!, $remember: Boolean!) {
    result: login(email: $email, password: $password, remember: $remember) {
      __typename
      ...SignInFields
      ... on SecondFactorRequired { challenge methods passkeyOptions canTrustDevice }
      ...Enrolment
      ...Refusal
    }
  }
  ${signInFields}
`;

export const signUpMutation = /* GraphQL */ `
  mutation SignUp($email: String!, $password: String!) {
    result: signUp(email: $email, password: $password) {
      __typename
      ...SignInFields
      ...Enrolment
      ... on MailRequestPayload { email }
      ...Refusal
    }
  }
  ${signInFields}
`;

export const completeLoginMutation = /* GraphQL */ `
  mutation CompleteLogin($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) {
    result: completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) {
      __typename
      ...SignInFields
      ...Enrolment
      ...Refusal
    }
  }
  ${signInFields}
`;

export const accountQuery = /* GraphQL */ `
  query Account {
    viewer { email sessions { id clientName ipAddress lastSeenAt isCurrent } }
  }
`;

export type Device = {
  id: string;
  clientName: string | null;
  ipAddress: string | null;
  lastSeenAt: string;
  isCurrent: boolean;
};

export type AccountData = { viewer: { email: string; sessions: Device[] } | null };

export const revokeMutation = /* GraphQL */ `
  mutation Revoke($id: ID!) {
    result: revoke(id: $id) { ... on RevokePayload { revokedSessionId } ... on UserError { code message } }
  }
`;

export const logOutMutation = /* GraphQL */ `
  mutation LogOut { logout { revokedSessionId } }
`;
