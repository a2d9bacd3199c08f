import { useEffect, useState } from 'react';
import { Provider, useQuery } from 'urql';
import { CookieAccount } from './cookie-client.ts';
import { devicesQuery } from './operations.ts';
import { logIn, logOut } from './sessions.ts';

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
  if (!data) return <p role="alert">{error?.message}</p>;
  if (!data.viewer) return <LogInForm />;
  return (
    <>
      <h1>{data.viewer.email}</h1>
      <button type="button" onClick={() => logOut(account)}>
        Log out
      </button>
    </>
  );
}
// #endregion

function LogInForm() {
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
