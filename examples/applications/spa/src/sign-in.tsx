import { useActionState, useState } from 'react';
import { problemsOf, Refusal } from './accounts.ts';
import { AppFields } from './app-fields.tsx';
import { Problems } from './problems.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';
import { SecondFactor } from './second-factor.tsx';
import { confirmNewApp, logInWithPasskey, type SignInStep, signIn } from './sign-ins.ts';

type State = SignInStep & { problems: string[] };

const firstStep: State = { step: 'credentials', problems: [] };

/** The steps of a login or a sign-up. */
export function SignIn({ onSignIn }: { onSignIn(): Promise<void> }) {
  const [kind, setKind] = useState<'login' | 'signUp'>('login');
  const [email, setEmail] = useState('');
  const [state, take, isPending] = useActionState(
    async (state: State, act: () => Promise<SignInStep | null>): Promise<State> => {
      try {
        const next = await act();
        if (next !== null) return { ...next, problems: [] };
      } catch (error) {
        // The challenge is used up or too old: the sign-in begins again.
        const isOver = error instanceof Refusal && error.code === 'CHALLENGE_INVALID';
        return { ...(isOver ? firstStep : state), problems: problemsOf(error) };
      }
      await onSignIn();
      return firstStep;
    },
    firstStep,
  );
  const { step, problems } = state;

  if (step === 'second factor') {
    return <SecondFactor pending={state.pending} problems={problems} take={take} isPending={isPending} />;
  }
  if (step === 'new app') {
    const { signIn, app } = state;
    return (
      <>
        <h1>Add an authenticator app</h1>
        <p>This account needs a second factor. The login continues when you have added one.</p>
        <form action={(form) => take(() => confirmNewApp(signIn, app, String(form.get('code'))))}>
          <AppFields app={app} isPending={isPending} />
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
        <button type="button" onClick={onSignIn}>
          Continue
        </button>
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

  function submit(form: FormData): void {
    const credentials = { email: String(form.get('email')), password: String(form.get('password')) };
    setEmail(credentials.email);
    take(() => signIn(kind, credentials));
  }

  const label = kind === 'login' ? 'Log in' : 'Sign up';
  return (
    <>
      <h1>{label}</h1>
      <form action={submit}>
        <label>
          Email
          <input name="email" type="email" autoComplete="username" defaultValue={email} required />
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
        <Problems problems={problems} />
      </form>
      {kind === 'login' && (
        <form action={() => take(logInWithPasskey)}>
          <button type="submit" disabled={isPending}>
            Log in with a passkey
          </button>
        </form>
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
