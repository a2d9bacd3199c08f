/** The steps of a sign-in: the password or a passkey, the second step, and the addition of an app that it needs. */
import { type PublicKeyCredentialRequestOptionsJSON, startAuthentication } from '@simplewebauthn/browser';
import { keepToken, send } from './accounts.ts';
import {
  type Answer,
  type Confirmed,
  confirmAppMutation,
  type NewApp,
  type Result,
  requireData,
  type Started,
  startAppMutation,
} from './factors.ts';

/** A login that waits for its second factor. */
export type Pending = {
  challenge: string;
  methods: ('PASSKEY' | 'TOTP' | 'RECOVERY_CODE')[];
  passkeyOptions: PublicKeyCredentialRequestOptionsJSON | null;
  /** False if no device may skip the second step. */
  canTrustDevice: boolean;
};

/**
 * A step of a sign-in. It lives in the memory of the page, and in no URL and no storage: after a reload, the sign-in
 * begins again. `signIn` is the challenge of a user who has to add an app first.
 */
export type SignInStep =
  | { step: 'credentials' }
  | { step: 'second factor'; pending: Pending }
  | { step: 'new app'; signIn: string; app: NewApp }
  | { step: 'recovery codes'; codes: string[] }
  | { step: 'mail'; email: string };

const signInFields = /* GraphQL */ `
  fragment SignInFields on SignInPayload { antiCSRFToken }
  fragment Enrolment on SecondFactorEnrolmentRequired { challenge }
  fragment Refusal on UserError {
    code
    message
    ... on ValidationError { issues { message } }
  }
`;

const logInMutation = /* GraphQL */ `
  mutation LogIn($email: String!, $password: String!) {
    result: login(email: $email, password: $password) {
      __typename
      ...SignInFields
      ... on SecondFactorRequired { challenge methods passkeyOptions canTrustDevice }
      ...Enrolment
      ...Refusal
    }
  }
  ${signInFields}
`;

const signUpMutation = /* GraphQL */ `
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

const completeMutation = /* GraphQL */ `
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

/** The data of the mutations that sign in. */
type SignInData =
  | { __typename: 'SignInPayload'; antiCSRFToken: string }
  | { __typename: 'MailRequestPayload'; email: string }
  | ({ __typename: 'SecondFactorRequired' } & Pending)
  | { __typename: 'SecondFactorEnrolmentRequired'; challenge: string };

export type Credentials = { email: string; password: string };

/** Takes the first step. Returns the next one, or null after a sign-in. @throws Refusal */
export async function signIn(kind: 'login' | 'signUp', credentials: Credentials): Promise<SignInStep | null> {
  const mutation = kind === 'login' ? logInMutation : signUpMutation;
  return nextStep(await send<{ result: Result<SignInData> }>(mutation, credentials));
}

/** Answers the second step of a login. Returns the next step, or null after a sign-in. @throws Refusal */
export async function completeLogin(
  { challenge }: Pending,
  answer: Answer,
  trustDevice: boolean,
): Promise<SignInStep | null> {
  const variables = { challenge, answer, trustDevice };
  return nextStep(await send<{ result: Result<SignInData> }>(completeMutation, variables));
}

/** Returns the step after a result. Null if the user is signed in. */
async function nextStep({ result }: { result: Result<SignInData> }): Promise<SignInStep | null> {
  const data = requireData(result);
  // The server hides which accounts exist: only the owner of the mailbox learns it.
  if (data.__typename === 'MailRequestPayload') return { step: 'mail', email: data.email };
  if (data.__typename === 'SecondFactorRequired') return { step: 'second factor', pending: data };
  if (data.__typename === 'SecondFactorEnrolmentRequired') {
    const signIn = data.challenge;
    const started = await send<{ result: Result<NewApp> }>(startAppMutation, { signIn });
    return { step: 'new app', signIn, app: requireData(started.result) };
  }
  keepToken(data.antiCSRFToken);
  return null;
}

/** Adds the app that a sign-in needs, by its first code, which starts the session. @throws Refusal for a wrong code */
export async function confirmNewApp(signIn: string, { challenge }: NewApp, code: string): Promise<SignInStep | null> {
  const { result } = await send<{ result: Result<Confirmed> }>(confirmAppMutation, { challenge, code, signIn });
  const { antiCSRFToken, recoveryCodes } = requireData(result);
  keepToken(antiCSRFToken);
  return recoveryCodes && { step: 'recovery codes', codes: recoveryCodes };
}

const startPasskeyLoginMutation = /* GraphQL */ `
  mutation StartPasskeyLogin {
    result: startPasskeyLogin { ... on PasskeyChallenge { challenge options } ... on UserError { code message } }
  }
`;

const finishPasskeyLoginMutation = /* GraphQL */ `
  mutation FinishPasskeyLogin($challenge: String!, $response: JSON!) {
    result: finishPasskeyLogin(challenge: $challenge, response: $response) {
      ... on SignInPayload { antiCSRFToken }
      ... on UserError { code message }
    }
  }
`;

/** Logs in with a passkey, without an address and a password. No step is left then. */
export async function logInWithPasskey(): Promise<null> {
  type Options = PublicKeyCredentialRequestOptionsJSON;
  const { result: started } = await send<{ result: Result<Started<Options>> }>(startPasskeyLoginMutation);
  const { challenge, options } = requireData(started);
  const response = await startAuthentication({ optionsJSON: options });
  const finish = { challenge, response };
  const { result } = await send<{ result: Result<{ antiCSRFToken: string }> }>(finishPasskeyLoginMutation, finish);
  keepToken(requireData(result).antiCSRFToken);
  return null;
}
