import type { Operation } from './client.ts';

export type Viewer = { id: string; email: string };

/** A live session of the user. A `DateTime` is text in RFC 3339: `new Date(lastSeenAt)` reads it. */
export type Device = { id: string; clientName: string | null; isCurrent: boolean; lastSeenAt: string };

type Tokens = { token: string | null; deviceToken: string | null; viewer: Viewer };

type Payload = Tokens & { __typename: 'SignInPayload' };

/** A login that waits for a code. `methods` is a list that may grow. */
type CodeRequired = {
  __typename: 'SecondFactorRequired';
  challenge: string;
  methods: ('PASSKEY' | 'TOTP' | 'RECOVERY_CODE')[];
  canTrustDevice: boolean;
};

type EnrolmentRequired = { __typename: 'SecondFactorEnrolmentRequired'; challenge: string };

/** A member of a result union that says why nothing was done. */
export type Refusal<Name extends string> = Name extends string ? { __typename: Name; message: string } : never;

export type RateLimited = Refusal<'RateLimitedError'> & { retryAfterSeconds: number };

export type Invalid = Refusal<'ValidationError'> & { issues: { path: string[]; message: string }[] };

export type SignUpResult =
  | Payload
  | EnrolmentRequired
  | Refusal<'EmailTakenError' | 'UsernameTakenError' | 'ProofOfWorkRequiredError'>
  | RateLimited
  | Invalid
  | CheckMail;

/** The answer of a server with PRIVATE_SIGN_UP: the mailed link continues with `confirmSignUp`. */
type CheckMail = { __typename: 'MailRequestPayload'; email: string };

export type LoginResult =
  | Payload
  | CodeRequired
  | EnrolmentRequired
  | Refusal<'InvalidCredentialsError' | 'AccountSuspendedError' | 'ProofOfWorkRequiredError'>
  | RateLimited
  | Invalid;

export type CompleteLoginResult =
  | Payload
  | EnrolmentRequired
  | Refusal<'InvalidCredentialsError' | 'ChallengeInvalidError' | 'PasskeyRejectedError' | 'AccountSuspendedError'>
  | RateLimited;

export type StartAppResult =
  | { __typename: 'StartAuthenticatorAppPayload'; challenge: string; secret: string; uri: string }
  | Refusal<'ChallengeInvalidError' | 'ReauthenticationRequiredError' | 'EncryptionKeysMissingError'>;

export type ConfirmAppResult =
  | (Tokens & { __typename: 'FactorPayload'; recoveryCodes: string[] | null })
  | Refusal<
      'InvalidCredentialsError' | 'ChallengeInvalidError' | 'EncryptionKeysMissingError' | 'AccountSuspendedError'
    >
  | RateLimited;

export type RevokeResult =
  | { __typename: 'RevokePayload'; revokedSessionId: string | null }
  | Refusal<'SessionNotFoundError' | 'ReauthenticationRequiredError'>;

export type Credentials = { email: string; password: string };

/** The fragment on the interface covers every refusal, also those of later versions of the server. */
const result = `
  __typename
  ... on SignInPayload { token deviceToken viewer { id email } }
  ... on SecondFactorEnrolmentRequired { challenge }
  ... on UserError { message }
  ... on RateLimitedError { retryAfterSeconds }`;

const invalid = '... on ValidationError { issues { path message } }';

export const signUpMutation: Operation<{ signUp: SignUpResult }, Credentials> = {
  query: `mutation SignUp($email: String!, $password: String!) {
    signUp(email: $email, password: $password, transport: BEARER) {
      ${result} ${invalid} ... on MailRequestPayload { email }
    }
  }`,
};

export const loginMutation: Operation<{ login: LoginResult }, Credentials> = {
  query: `mutation Login($email: String!, $password: String!) {
    login(email: $email, password: $password, transport: BEARER) {
      ${result} ${invalid} ... on SecondFactorRequired { challenge methods canTrustDevice }
    }
  }`,
};

type Answer = { totpCode: string } | { recoveryCode: string };

export const completeLoginMutation: Operation<
  { completeLogin: CompleteLoginResult },
  { challenge: string; answer: Answer; trustDevice: boolean }
> = {
  query: `mutation CompleteLogin($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) {
    completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) { ${result} }
  }`,
};

export const startAppMutation: Operation<{ startAuthenticatorApp: StartAppResult }, { signIn: string | null }> = {
  query: `mutation StartApp($signIn: String) {
    startAuthenticatorApp(signIn: $signIn, transport: BEARER) {
      __typename ... on StartAuthenticatorAppPayload { challenge secret uri } ... on UserError { message }
    }
  }`,
};

export const confirmAppMutation: Operation<
  { confirmAuthenticatorApp: ConfirmAppResult },
  { challenge: string; code: string; signIn: string | null }
> = {
  query: `mutation ConfirmApp($challenge: String!, $code: String!, $signIn: String) {
    confirmAuthenticatorApp(challenge: $challenge, code: $code, signIn: $signIn) {
      __typename
      ... on FactorPayload { token deviceToken recoveryCodes viewer { id email } }
      ... on UserError { message }
      ... on RateLimitedError { retryAfterSeconds }
    }
  }`,
};

export const devicesQuery: Operation<{ viewer: (Viewer & { sessions: Device[] | null }) | null }, object> = {
  query: '{ viewer { id email sessions { id clientName isCurrent lastSeenAt } } }',
};

export const revokeMutation: Operation<{ revoke: RevokeResult }, { id: string }> = {
  query: `mutation Revoke($id: ID!) {
    revoke(id: $id) { __typename ... on RevokePayload { revokedSessionId } ... on UserError { message } }
  }`,
};

export const logoutMutation: Operation<{ logout: { revokedSessionId: string | null } }, object> = {
  query: 'mutation Logout { logout { revokedSessionId } }',
};
