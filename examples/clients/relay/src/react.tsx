import { Suspense, startTransition, useEffect, useState } from 'react';
import { RelayEnvironmentProvider, useLazyLoadQuery } from 'react-relay';
import type { queriesViewerQuery } from './__generated__/queriesViewerQuery.graphql.ts';
import type { Account } from './account.ts';
import { CodeForm } from './code-form.tsx';
import { viewerQuery } from './queries.ts';
import { completeLogin, confirmApp, logIn, logOut } from './sessions.ts';
import type { NextStep } from './steps.ts';

// #region provider
/** The application, for `createRoot(…).render(<Root account={new Account(url, store)} />)`. */
export function Root({ account }: { account: Account }) {
  const [environment, setEnvironment] = useState(account.relay);
  useEffect(() => {
    // Another user gets another environment, whose store is empty. Queries of components are sent again.
    account.onReset = () => startTransition(() => setEnvironment(account.relay));
  }, [account]);
  return (
    <RelayEnvironmentProvider environment={environment}>
      <Suspense fallback={<p>Loading…</p>}>
        <Viewer account={account} />
      </Suspense>
    </RelayEnvironmentProvider>
  );
}

function Viewer({ account }: { account: Account }) {
  const [recoveryCodes, setRecoveryCodes] = useState<string[]>([]);
  const { viewer } = useLazyLoadQuery<queriesViewerQuery>(viewerQuery, {});
  if (!viewer) return <LogInForm account={account} onRecoveryCodes={setRecoveryCodes} />;
  return (
    <>
      <h1>{viewer.email}</h1>
      {recoveryCodes.length > 0 && <p>Keep these codes for the day you lose the app: {recoveryCodes.join(' ')}</p>}
      <button type="button" onClick={() => logOut(account)}>
        Log out
      </button>
    </>
  );
}
// #endregion

type Props = { account: Account; onRecoveryCodes(codes: string[]): void };

function LogInForm({ account, onRecoveryCodes }: Props) {
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
