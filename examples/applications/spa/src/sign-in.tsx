import { useActionState, useState } from 'react';
import { signIn } from './account.ts';
import { RequestError } from './accounts.ts';

type FormState = { email: string; problems: string[] };

/** The form for a login and for a sign-up. */
export function SignIn({ onSignIn }: { onSignIn(): Promise<void> }) {
  const [kind, setKind] = useState<'login' | 'signUp'>('login');
  const [state, submit, isPending] = useActionState(
    async (_state: FormState, form: FormData): Promise<FormState> => {
      const credentials = { email: String(form.get('email')), password: String(form.get('password')) };
      const problems = await signIn(kind, credentials).catch((error) => [messageOf(error)]);
      if (problems.length === 0) await onSignIn();
      return { email: credentials.email, problems };
    },
    { email: '', problems: [] },
  );
  const label = kind === 'login' ? 'Log in' : 'Sign up';
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
          <input
            name="password"
            type="password"
            autoComplete={kind === 'login' ? 'current-password' : 'new-password'}
            required
          />
        </label>
        <button type="submit" disabled={isPending}>
          {label}
        </button>
        <div role="alert">
          {state.problems.map((problem) => (
            <p key={problem}>{problem}</p>
          ))}
        </div>
      </form>
      <p>
        {kind === 'login' ? 'No account yet? ' : 'Already a member? '}
        <button type="button" className="link" onClick={() => setKind(kind === 'login' ? 'signUp' : 'login')}>
          {kind === 'login' ? 'Sign up' : 'Log in'}
        </button>
      </p>
    </>
  );
}

/** Returns the message of a refused request. Everything else is a bug. */
export function messageOf(error: unknown): string {
  if (error instanceof RequestError) return error.message;
  throw error;
}
