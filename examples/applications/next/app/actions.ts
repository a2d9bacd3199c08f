'use server';

import { OperationError, Refusal } from 'graphql-sessions/verify';
import { revalidatePath } from 'next/cache';
import { redirect } from 'next/navigation';
import { mutate } from '../lib/accounts.ts';
import { logInMutation, logOutMutation, revokeMutation, type SignInData, signUpMutation } from '../lib/operations.ts';
import type { FormState } from './sign-in-form.tsx';

export async function logIn(_state: FormState, form: FormData): Promise<FormState> {
  const remember = form.get('remember') !== null;
  return signIn(logInMutation, { ...credentialsOf(form), remember });
}

export async function signUp(_state: FormState, form: FormData): Promise<FormState> {
  return signIn(signUpMutation, credentialsOf(form));
}

/** Ends a session. The cookie of the browser stays. */
export async function revoke(form: FormData): Promise<void> {
  await inSession(() => mutate(revokeMutation, { id: form.get('id') }));
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

/** Signs in, or returns the reasons of the refusal for the form. */
async function signIn(mutation: string, variables: Credentials & { remember?: boolean }): Promise<FormState> {
  const problems = await problemsOf(mutation, variables);
  if (problems.length > 0) return { email: variables.email, problems };
  redirect('/account');
}

async function problemsOf(mutation: string, variables: Record<string, unknown>): Promise<string[]> {
  try {
    const { result } = await mutate<SignInData>(mutation, variables);
    return result.issues?.map(({ message }) => message) ?? (result.message === undefined ? [] : [result.message]);
  } catch (error) {
    // The server does not answer, or too many attempts came from this address.
    if (error instanceof Refusal || error instanceof OperationError) return [error.message];
    throw error;
  }
}

/** Leads to the login page if the session is over. */
async function inSession<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof OperationError && error.code === 'UNAUTHENTICATED') redirect('/login');
    throw error;
  }
}
