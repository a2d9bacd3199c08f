import { CookieAccount } from './cookie-client.ts';
import { devicesQuery } from './operations.ts';
import { logIn, logOut, revoke, signUp } from './sessions.ts';
import { connect, show } from './view.ts';

const account = new CookieAccount(document.body.dataset.server ?? '/graphql');

connect({
  signUp: (credentials) => signUp(account, credentials),
  logIn: (credentials) => logIn(account, credentials),
  revoke: (id) => revoke(account, id),
  logOut: () => logOut(account).then(() => null),
});
await account.resume();

let shown = watch();
account.onReset = () => {
  shown.unsubscribe();
  shown = watch();
};

/** Shows the result of the query, and each change of it in the cache. */
function watch() {
  return account.urql.query(devicesQuery, {}).subscribe(({ data, error }) => {
    if (data && !error) show(data.viewer);
  });
}
