import { CookieAccount } from './cookie-client.ts';
import { devicesQuery } from './operations.ts';
import { completeLogin, confirmApp, logIn, logOut, revoke, signUp, startApp } from './sessions.ts';
import { connect, show } from './view.ts';

const account = new CookieAccount(document.body.dataset.server ?? '/graphql');

connect({
  signUp: (credentials) => signUp(account, credentials),
  logIn: (credentials) => logIn(account, credentials),
  completeLogin: (step, code) => completeLogin(account, step, code),
  addApp: () => startApp(account, null),
  confirmApp: (app, code) => confirmApp(account, app, code),
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
