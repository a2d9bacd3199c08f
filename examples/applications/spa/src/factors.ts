/** The factors of the account. */
import {
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';
import { type Account, mutateFor } from './account.ts';
import { keepToken, Refusal } from './accounts.ts';

/** The result of a mutation: its data, or a refusal. */
export type Result<Data> = Partial<Data> & { code?: string; message?: string; issues?: { message: string }[] };

export function requireData<Data extends object>(result: Result<Data>): Data {
  const { code, message = '', issues } = result;
  if (code !== undefined) throw new Refusal(code, message, issues);
  return result as Data;
}

export type Answer = { totpCode: string } | { recoveryCode: string } | { passkey: { response: unknown } };

/** Returns the answer in the field for both kinds of codes: those of apps are digits. */
export function answerOf(code: FormDataEntryValue | null): Answer {
  const text = String(code);
  return /^[\d\s]+$/.test(text) ? { totpCode: text } : { recoveryCode: text };
}

/** Lets the browser ask for a passkey, and returns the answer. */
export async function askForPasskey(optionsJSON: PublicKeyCredentialRequestOptionsJSON): Promise<Answer> {
  return { passkey: { response: await startAuthentication({ optionsJSON }) } };
}

export type Started<Options> = { challenge: string; options: Options };

export const startAppMutation = /* GraphQL */ `
  mutation StartApp($signIn: String) {
    result: startAuthenticatorApp(signIn: $signIn) {
      ... on StartAuthenticatorAppPayload { challenge secret qrCode }
      ... on UserError { code message }
    }
  }
`;

export const confirmAppMutation = /* GraphQL */ `
  mutation ConfirmApp($challenge: String!, $code: String!, $signIn: String) {
    result: confirmAuthenticatorApp(challenge: $challenge, code: $code, signIn: $signIn) {
      ... on FactorPayload { antiCSRFToken recoveryCodes }
      ... on UserError { code message }
    }
  }
`;

export type NewApp = { challenge: string; secret: string; qrCode: string };

/** Starts the addition of an authenticator app. */
export async function startApp(account: Account): Promise<NewApp> {
  const { result } = await mutateFor<{ result: Result<NewApp> }>(account, startAppMutation);
  return requireData(result);
}

/** `recoveryCodes` is null if the account has some. */
export type Confirmed = { antiCSRFToken: string; recoveryCodes: string[] | null };

/** Adds the app by its first code. Returns the recovery codes, which are shown once. */
export async function confirmApp(account: Account, { challenge }: NewApp, code: string): Promise<string[]> {
  const variables = { challenge, code };
  const { result } = await mutateFor<{ result: Result<Confirmed> }>(account, confirmAppMutation, variables);
  const { antiCSRFToken, recoveryCodes } = requireData(result);
  keepToken(antiCSRFToken);
  return recoveryCodes ?? [];
}

const removeAppMutation = /* GraphQL */ `
  mutation RemoveApp {
    result: removeAuthenticatorApp { ... on ViewerPayload { viewer { id } } ... on UserError { code message } }
  }
`;

/** Removes the app. A role that needs a second factor keeps the last one. */
export async function removeApp(account: Account): Promise<void> {
  const { result } = await mutateFor<{ result: Result<object> }>(account, removeAppMutation);
  requireData(result);
}

const startPasskeyMutation = /* GraphQL */ `
  mutation StartPasskey {
    result: startPasskeyRegistration { ... on PasskeyChallenge { challenge options } ... on UserError { code message } }
  }
`;

const finishPasskeyMutation = /* GraphQL */ `
  mutation FinishPasskey($challenge: String!, $response: JSON!, $name: String) {
    result: finishPasskeyRegistration(challenge: $challenge, response: $response, name: $name) {
      ... on FactorPayload { antiCSRFToken }
      ... on UserError { code message }
    }
  }
`;

/** Lets the device make a passkey, and adds it to the account. */
export async function addPasskey(account: Account, name: string): Promise<void> {
  type Options = PublicKeyCredentialCreationOptionsJSON;
  const { result: started } = await mutateFor<{ result: Result<Started<Options>> }>(account, startPasskeyMutation);
  const { challenge, options } = requireData(started);
  const variables = { challenge, response: await startRegistration({ optionsJSON: options }), name };
  const { result } = await mutateFor<{ result: Result<{ antiCSRFToken: string }> }>(
    account,
    finishPasskeyMutation,
    variables,
  );
  keepToken(requireData(result).antiCSRFToken);
}

const reauthenticateMutation = /* GraphQL */ `
  mutation Reauthenticate($password: String, $answer: FactorAnswer, $challenge: String) {
    result: reauthenticate(password: $password, answer: $answer, challenge: $challenge) {
      ... on ReauthenticatePayload { antiCSRFToken }
      ... on UserError { code message }
    }
  }
`;

/** Proves the user again, before a change of the factors. */
export async function reauthenticate(
  account: Account,
  proof: { password: string } | { answer: Answer; challenge?: string },
): Promise<void> {
  const { result } = await mutateFor<{ result: Result<{ antiCSRFToken: string }> }>(
    account,
    reauthenticateMutation,
    proof,
  );
  keepToken(requireData(result).antiCSRFToken);
}

const startPasskeyProofMutation = /* GraphQL */ `
  mutation StartPasskeyProof {
    result: startPasskeyReauthentication {
      ... on PasskeyChallenge { challenge options }
      ... on UserError { code message }
    }
  }
`;

/** Proves the user again by a passkey. It is enough alone if its device asks for a PIN or a fingerprint. */
export async function reauthenticateByPasskey(account: Account): Promise<void> {
  type Options = PublicKeyCredentialRequestOptionsJSON;
  const { result } = await mutateFor<{ result: Result<Started<Options>> }>(account, startPasskeyProofMutation);
  const { challenge, options } = requireData(result);
  await reauthenticate(account, { challenge, answer: await askForPasskey(options) });
}
