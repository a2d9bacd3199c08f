/** The steps of a sign-in: the password or a passkey, and the second step. */
import { type PublicKeyCredentialRequestOptionsJSON, startAuthentication } from '@simplewebauthn/browser';
import { keepToken, send } from './accounts.ts';
import { type Answer, type Result, requireData, type Started } from './factors.ts';

/** A login that waits for its second factor. */
export type Pending = {
  challenge: string;
  methods: ('PASSKEY' | 'TOTP' | 'RECOVERY_CODE')[];
  passkeyOptions: PublicKeyCredentialRequestOptionsJSON | null;
};

const signInFields = /* GraphQL */ `
  fragment SignInFields on SignInPayload { antiCSRFToken }
  fragment Refusal on UserError {
    code
    message
    ... on ValidationError { issues { message } }
  }
`;

const logInMutation = /* GraphQL */ `
  mutation LogIn($email: String!, $password: String!) {
    result: login(email: $email, password: $password) {
      ...SignInFields
      ... on SecondFactorRequired { challenge methods passkeyOptions }
      ...Refusal
    }
  }
  ${signInFields}
`;

const signUpMutation = /* GraphQL */ `
  mutation SignUp($email: String!, $password: String!) {
    result: signUp(email: $email, password: $password) { ...SignInFields ...Refusal }
  }
  ${signInFields}
`;

type SignInData = {
  result: Partial<Pending> & { antiCSRFToken?: string; message?: string; issues?: { message: string }[] };
};

export type Credentials = { email: string; password: string };

/** The result of a first step: the reasons of its refusal, or the second step that it needs. Neither after a sign-in. */
export type FirstStep = { problems: string[]; pending: Pending | null };

/** Signs in, or returns the second step, or the reasons of the refusal. */
export async function signIn(kind: 'login' | 'signUp', credentials: Credentials): Promise<FirstStep> {
  const mutation = kind === 'login' ? logInMutation : signUpMutation;
  const { result } = await send<SignInData>(mutation, credentials);
  const { challenge, methods = [], passkeyOptions = null } = result;
  if (challenge !== undefined) return { problems: [], pending: { challenge, methods, passkeyOptions } };
  keepToken(result.antiCSRFToken ?? null);
  const problems =
    result.issues?.map(({ message }) => message) ?? (result.message === undefined ? [] : [result.message]);
  return { problems, pending: null };
}

const completeMutation = /* GraphQL */ `
  mutation CompleteLogin($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) {
    result: completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) {
      ... on SignInPayload { antiCSRFToken }
      ... on UserError { code message }
    }
  }
`;

/** Answers the second step of a login. @throws Refusal for a wrong answer */
export async function completeLogin({ challenge }: Pending, answer: Answer, trustDevice: boolean): Promise<void> {
  const variables = { challenge, answer, trustDevice };
  const { result } = await send<{ result: Result<{ antiCSRFToken: string }> }>(completeMutation, variables);
  keepToken(requireData(result).antiCSRFToken);
}

/** Lets the browser ask for a passkey, and returns the answer. */
export async function askForPasskey(optionsJSON: PublicKeyCredentialRequestOptionsJSON): Promise<Answer> {
  return { passkey: { response: await startAuthentication({ optionsJSON }) } };
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

/** Logs in with a passkey, without an address and a password. */
export async function logInWithPasskey(): Promise<void> {
  type Options = PublicKeyCredentialRequestOptionsJSON;
  const { result: started } = await send<{ result: Result<Started<Options>> }>(startPasskeyLoginMutation);
  const { challenge, options } = requireData(started);
  const response = await startAuthentication({ optionsJSON: options });
  const finish = { challenge, response };
  const { result } = await send<{ result: Result<{ antiCSRFToken: string }> }>(finishPasskeyLoginMutation, finish);
  keepToken(requireData(result).antiCSRFToken);
}
