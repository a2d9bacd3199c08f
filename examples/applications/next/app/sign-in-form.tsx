'use client';

import { type ReactNode, useActionState } from 'react';
import { firstStep, type SignInState } from '../lib/factors.ts';
import { AppFields } from './app-fields.tsx';
import { Problems } from './problems.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';
import { SecondFactor } from './second-factor.tsx';

type Props = {
  action(state: SignInState, form: FormData): Promise<SignInState>;
  label: string;
  passwordType: 'current-password' | 'new-password';
  /** Is below the form of the first step. */
  children: ReactNode;
};

/** The steps of a login or a sign-up. They work before their script has loaded, too. */
export function SignInForm({ action, label, passwordType, children }: Props) {
  const [state, submit, isPending] = useActionState(action, firstStep);
  const { step, problems } = state;
  if (step === 'second factor') {
    return <SecondFactor pending={state.pending} problems={problems} submit={submit} isPending={isPending} />;
  }
  if (step === 'new app') {
    return (
      <>
        <h1>Add an authenticator app</h1>
        <p>This account needs a second factor. The login continues when you have added one.</p>
        <form action={submit}>
          <AppFields app={state.app} isPending={isPending} />
          <Problems problems={problems} />
        </form>
      </>
    );
  }
  if (step === 'recovery codes') {
    return (
      <>
        <h1>Recovery codes</h1>
        <RecoveryCodes codes={state.codes} />
        <a href="/account">Continue</a>
      </>
    );
  }
  if (step === 'mail') {
    return (
      <>
        <h1>Check your mail</h1>
        <p role="status">A mail is on its way to {state.email}. It says how to go on.</p>
      </>
    );
  }
  return (
    <>
      <h1>{label}</h1>
      <form action={submit}>
        <label>
          Email
          <input name="email" type="email" autoComplete="username" defaultValue={state.email} required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete={passwordType} required />
        </label>
        {passwordType === 'current-password' && (
          <label className="choice">
            <input name="remember" type="checkbox" defaultChecked />
            Stay logged in
          </label>
        )}
        <button type="submit" disabled={isPending}>
          {label}
        </button>
        <Problems problems={problems} />
      </form>
      {children}
    </>
  );
}
