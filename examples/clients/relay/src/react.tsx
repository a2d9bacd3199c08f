import { Suspense, startTransition, useEffect, useState } from 'react';
import { RelayEnvironmentProvider, useLazyLoadQuery } from 'react-relay';
import type { queriesViewerQuery } from './__generated__/queriesViewerQuery.graphql.ts';
import type { Account } from './account.ts';
import { viewerQuery } from './queries.ts';
import { logIn, logOut } from './sessions.ts';

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
  const { viewer } = useLazyLoadQuery<queriesViewerQuery>(viewerQuery, {});
  if (!viewer) return <LogInForm account={account} />;
  return (
    <>
      <h1>{viewer.email}</h1>
      <button type="button" onClick={() => logOut(account)}>
        Log out
      </button>
    </>
  );
}
// #endregion

function LogInForm({ account }: { account: Account }) {
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (form: FormData) => {
    const credentials = { email: String(form.get('email')), password: String(form.get('password')) };
    setProblem(await logIn(account, credentials).catch((error: Error) => error.message));
  };
  return (
    <form action={submit}>
      <input name="email" type="email" autoComplete="username" aria-label="Email" required />
      <input name="password" type="password" autoComplete="current-password" aria-label="Password" required />
      <button type="submit">Log in</button>
      <p role="alert">{problem}</p>
    </form>
  );
}
