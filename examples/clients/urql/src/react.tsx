import { useEffect, useState } from 'react';
import { Provider, useQuery } from 'urql';
import { CodeForm } from './code-form.tsx';
import { CookieAccount } from './cookie-client.ts';
import { devicesQuery } from './operations.ts';
import { completeLogin, confirmApp, logIn, logOut } from './sessions.ts';
import type { NextStep } from './steps.ts';

// #region provider
const account = new CookieAccount('/graphql');
// Before the first component, so that every mutation has the anti-CSRF token.
await account.resume();

/** The application, for `createRoot(…).render(<Root />)`. */
export function Root() {
  const [client, setClient] = useState(account.urql);
  useEffect(() => {
    // Another user gets another client, whose cache is empty. Queries of components are sent again.
    account.onReset = () => setClient(account.urql);
  }, []);
  return (
    <Provider value={client}>
      <Account />
    </Provider>
  );
}

function Account() {
  const [{ data, error }] = useQuery({ query: devicesQuery });
  const [recoveryCodes, setRecoveryCodes] = useState<string[]>([]);
  if (!data) return <p role="alert">{error?.message}</p>;
  if (!data.viewer) return <LogInForm onRecoveryCodes={setRecoveryCodes} />;
  return (
    <>
      <h1>{data.viewer.email}</h1>
      {recoveryCodes.length > 0 && <p>Keep these codes for the day you lose the app: {recoveryCodes.join(' ')}</p>}
      <button type="button" onClick={() => logOut(account)}>
        Log out
      </button>
    </>
  );
}
// #endregion

function LogInForm({ onRecoveryCodes }: { onRecoveryCodes(codes: string[]): void }) {
  const [step, setStep] = useState<NextStep>(null);
  const submit = async (form: FormData) => {
    const credentials = { email: String(form.get('email')), password: String(form.get('password')) };
    setStep(await logIn(account, credentials).catch((error: Error) => error.message));
  };
  if (step !== null && typeof step === 'object') {
    const send = async (code: string, trustDevice: boolean): Promise<NextStep> => {
      if (step.__typename === 'SecondFactorRequired') return completeLogin(account, step, { code, trustDevice });
      const result = await confirmApp(account, step, code);
      if (!Array.isArray(result)) return result;
      onRecoveryCodes(result);
      return null;
    };
    return <CodeForm step={step} send={send} onStep={setStep} />;
  }
  return (
    <form action={submit}>
      <input name="email" type="email" autoComplete="username" aria-label="Email" required />
      <input name="password" type="password" autoComplete="current-password" aria-label="Password" required />
      <button type="submit">Log in</button>
      <p role="alert">{step}</p>
    </form>
  );
}
