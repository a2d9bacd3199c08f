import { ApolloProvider, useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { CodeForm } from './code-form.tsx';
import { createCookieClient } from './cookie-client.ts';
import { devicesQuery } from './operations.ts';
import { completeLogin, confirmApp, logIn, logOut } from './sessions.ts';
import type { NextStep } from './steps.ts';

// #region provider
const cookies = createCookieClient('/graphql');
// Before the first component, so that every mutation has the anti-CSRF token.
await cookies.resume();

/** The application, for `createRoot(…).render(<Root />)`. */
export function Root() {
  return (
    <ApolloProvider client={cookies.client}>
      <Account />
    </ApolloProvider>
  );
}

function Account() {
  // A login, a logout and the end of the session send it again.
  const { data, error } = useQuery(devicesQuery);
  const [recoveryCodes, setRecoveryCodes] = useState<string[]>([]);
  if (!data) return <p role="alert">{error?.message}</p>;
  if (!data.viewer) return <LogInForm onRecoveryCodes={setRecoveryCodes} />;
  return (
    <>
      <h1>{data.viewer.email}</h1>
      {recoveryCodes.length > 0 && <p>Keep these codes for the day you lose the app: {recoveryCodes.join(' ')}</p>}
      <button type="button" onClick={() => logOut(cookies.client, cookies.forget)}>
        Log out
      </button>
    </>
  );
}
// #endregion

// #region form
function LogInForm({ onRecoveryCodes }: { onRecoveryCodes(codes: string[]): void }) {
  const [step, setStep] = useState<NextStep>(null);
  const submit = async (form: FormData) => {
    const credentials = { email: String(form.get('email')), password: String(form.get('password')) };
    setStep(await logIn(cookies, credentials).catch((error: Error) => error.message));
  };
  if (step !== null && typeof step === 'object') {
    const send = async (code: string, trustDevice: boolean): Promise<NextStep> => {
      if (step.__typename === 'SecondFactorRequired') return completeLogin(cookies, step, { code, trustDevice });
      const result = await confirmApp(cookies, step, code);
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
// #endregion
