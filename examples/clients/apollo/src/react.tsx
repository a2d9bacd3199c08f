import { ApolloProvider, useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { createCookieClient } from './cookie-client.ts';
import { devicesQuery } from './operations.ts';
import { logIn, logOut } from './sessions.ts';

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
  if (!data) return <p role="alert">{error?.message}</p>;
  if (!data.viewer) return <LogInForm />;
  return (
    <>
      <h1>{data.viewer.email}</h1>
      <button type="button" onClick={() => logOut(cookies.client, cookies.forget)}>
        Log out
      </button>
    </>
  );
}
// #endregion

// #region form
function LogInForm() {
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (form: FormData) => {
    const credentials = { email: String(form.get('email')), password: String(form.get('password')) };
    setProblem(await logIn(cookies, credentials).catch((error: Error) => error.message));
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
// #endregion
