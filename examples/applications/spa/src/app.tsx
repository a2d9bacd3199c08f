import { useCallback, useEffect, useState } from 'react';
import { type Account, loadAccount } from './account.ts';
import { messageOf } from './accounts.ts';
import { Devices } from './devices.tsx';
import { SignIn } from './sign-in.tsx';

/** The account is undefined until the first answer, and null if nobody is signed in. */
type State = { account?: Account | null; notice?: string };

export function App() {
  const [{ account, notice = '' }, setState] = useState<State>({});

  const reload = useCallback(
    (ifNobody = '') =>
      loadAccount().then(
        (account) => setState({ account, notice: account ? '' : ifNobody }),
        (error) => setState({ account: null, notice: messageOf(error) }),
      ),
    [],
  );
  // After a reload of the page: the cookie is still there.
  useEffect(() => void reload(), [reload]);

  if (account === undefined) return <p>Loading…</p>;
  return (
    <>
      <div role="alert">{notice && <p>{notice}</p>}</div>
      {account ? (
        <Devices
          account={account}
          onChange={() => reload('Your session is over. Log in again.')}
          onLogOut={() => setState({ account: null })}
        />
      ) : (
        <SignIn onSignIn={() => reload('The browser did not store the session cookie.')} />
      )}
    </>
  );
}
