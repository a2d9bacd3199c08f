'use client';

import { useActionState } from 'react';

/** The answer of an action to the form that was not accepted. */
export type FormState = { email: string; problems: string[] };

type Props = {
  action(state: FormState, form: FormData): Promise<FormState>;
  label: string;
  passwordType: 'current-password' | 'new-password';
};

/** A form with email and password. It works before its script has loaded, too. */
export function SignInForm({ action, label, passwordType }: Props) {
  const [state, submit, isPending] = useActionState(action, { email: '', problems: [] });
  return (
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
      <div role="alert">
        {state.problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
      </div>
    </form>
  );
}
