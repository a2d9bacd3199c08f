'use server';

import { revalidatePath } from 'next/cache';
import { redirect } from 'next/navigation';
import { mutate } from '../lib/accounts.ts';
import {
  type CodesData,
  confirmAppMutation,
  finishPasskeyLoginMutation,
  startAppMutation,
  startPasskeyLoginMutation,
} from '../lib/factor-operations.ts';
import {
  answerOf,
  firstStep,
  type NewApp,
  type PasskeyQuestion,
  type PendingLogin,
  type RequestOptions,
  type SignInState,
} from '../lib/factors.ts';
import {
  completeLoginMutation,
  logInMutation,
  logOutMutation,
  revokeMutation,
  signUpMutation,
} from '../lib/operations.ts';
import { change, isRefused, problemsOf, type Refused, type Result, send } from '../lib/results.ts';

export async function logIn(state: SignInState, form: FormData): Promise<SignInState> {
  if (state.step !== 'credentials') return goOn(state, form);
  const remember = form.get('remember') !== null;
  return signIn(logInMutation, { ...credentialsOf(form), remember });
}

export async function signUp(state: SignInState, form: FormData): Promise<SignInState> {
  if (state.step !== 'credentials') return goOn(state, form);
  return signIn(signUpMutation, credentialsOf(form));
}

/** Completes a login by the answer of a passkey, or returns the problems. */
export async function completeByPasskey(challenge: string, response: unknown): Promise<string[]> {
  const variables = { challenge, answer: { passkey: { response } }, trustDevice: false };
  const result = await send(completeLoginMutation, variables);
  if (isRefused(result)) return problemsOf(result);
  redirect('/account');
}

export async function startPasskeyLogin(): Promise<Result<PasskeyQuestion<RequestOptions>>> {
  return send(startPasskeyLoginMutation);
}

/** Logs in by a passkey alone, or returns the problems. */
export async function finishPasskeyLogin(challenge: string, response: unknown): Promise<string[]> {
  const result = await send(finishPasskeyLoginMutation, { challenge, response });
  if (isRefused(result)) return problemsOf(result);
  redirect('/account');
}

/** Ends a session. The cookie of the browser stays. */
export async function revoke(form: FormData): Promise<void> {
  await change(revokeMutation, { id: form.get('id') });
  revalidatePath('/account');
}

/** Ends the session of the browser. The answer of the server clears its cookie. */
export async function logOut(): Promise<void> {
  await mutate(logOutMutation);
  redirect('/login');
}

type Credentials = { email: string; password: string };

function credentialsOf(form: FormData): Credentials {
  return { email: String(form.get('email')), password: String(form.get('password')) };
}

/** Takes the first step of a sign-in. */
async function signIn(mutation: string, variables: Credentials & { remember?: boolean }): Promise<SignInState> {
  const result = await send<SignInData>(mutation, variables);
  return nextStep({ step: 'credentials', email: variables.email, problems: [] }, result);
}

/** Takes a later step of a sign-in. */
async function goOn(state: SignInState, form: FormData): Promise<SignInState> {
  const code = form.get('code');
  if (state.step === 'second factor') {
    const { challenge } = state.pending;
    const variables = { challenge, answer: answerOf(code), trustDevice: form.get('trust') !== null };
    return nextStep(state, await send<SignInData>(completeLoginMutation, variables));
  }
  if (state.step === 'new app') {
    const { signIn, app } = state;
    const result = await send<CodesData>(confirmAppMutation, { challenge: app.challenge, code, signIn });
    if (isRefused(result)) return refuse(state, result);
    if (result.recoveryCodes) return { step: 'recovery codes', codes: result.recoveryCodes, problems: [] };
  }
  redirect('/account');
}

/** The data of the mutations that sign in. */
type SignInData =
  | { __typename: 'SignInPayload' }
  | { __typename: 'MailRequestPayload'; email: string }
  | ({ __typename: 'SecondFactorRequired' } & PendingLogin)
  | { __typename: 'SecondFactorEnrolmentRequired'; challenge: string };

/** Returns the step after a result. Without one, the user is signed in. */
async function nextStep(state: SignInState, result: Result<SignInData>): Promise<SignInState> {
  if (isRefused(result)) return refuse(state, result);
  // The server hides which accounts exist: only the owner of the mailbox learns it.
  if (result.__typename === 'MailRequestPayload') return { step: 'mail', email: result.email, problems: [] };
  if (result.__typename === 'SecondFactorRequired') return { step: 'second factor', pending: result, problems: [] };
  if (result.__typename === 'SecondFactorEnrolmentRequired') {
    const signIn = result.challenge;
    const app = await send<NewApp>(startAppMutation, { signIn });
    return isRefused(app) ? refuse(state, app) : { step: 'new app', signIn, app, problems: [] };
  }
  redirect('/account');
}

/** Returns the same step with its problems, or the first one if the challenge is used up or too old. */
function refuse(state: SignInState, refused: Refused): SignInState {
  const step = refused.code === 'CHALLENGE_INVALID' ? firstStep : state;
  return { ...step, problems: problemsOf(refused) };
}
