import { useActionState, useState } from 'react';
import { messageOf } from './accounts.ts';
import { SecondFactor } from './second-factor.tsx';
import { logInWithPasskey, type Pending, signIn } from './sign-ins.ts';

type FormState = { email: string; problems: string[]; pending: Pending | null };

/** The form for a login and for a sign-up. */
export function SignIn({ onSignIn }: { onSignIn(): Promise<void> }) {
  const [kind, setKind] = useState<'login' | 'signUp'>('login');
  const [state, submit, isPending] = useActionState(
    async (_state: FormState, form: FormData): Promise<FormState> => {
      const credentials = { email: String(form.get('email')), password: String(form.get('password')) };
      const failed = (error: unknown) => ({ problems: [messageOf(error)], pending: null });
      const { problems, pending } = await signIn(kind, credentials).catch(failed);
      if (problems.length === 0 && pending === null) await onSignIn();
      return { email: credentials.email, problems, pending };
    },
    { email: '', problems: [], pending: null },
  );
  const [left, setLeft] = useState<Pending | null>(null);
  const [problem, setProblem] = useState('');

  async function usePasskey(): Promise<void> {
    try {
      await logInWithPasskey();
    } catch (error) {
      return setProblem(messageOf(error));
    }
    await onSignIn();
  }

  const { pending } = state;
  if (pending !== null && pending !== left) {
    return <SecondFactor pending={pending} onSignIn={onSignIn} onCancel={() => setLeft(pending)} />;
  }
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
          {[...state.problems, problem].filter(Boolean).map((text) => (
            <p key={text}>{text}</p>
          ))}
        </div>
      </form>
      {kind === 'login' && (
        <button type="button" onClick={usePasskey}>
          Log in with a passkey
        </button>
      )}
      <p>
        {kind === 'login' ? 'No account yet? ' : 'Already a member? '}
        <button type="button" className="link" onClick={() => setKind(kind === 'login' ? 'signUp' : 'login')}>
          {kind === 'login' ? 'Sign up' : 'Log in'}
        </button>
      </p>
    </>
  );
}
