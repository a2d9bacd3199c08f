import { createCookieClient } from './cookie-client.ts';
import { devicesQuery } from './operations.ts';
import { completeLogin, confirmApp, logIn, logOut, revoke, signUp, startApp } from './sessions.ts';
import { connect, show } from './view.ts';

const cookies = createCookieClient(document.body.dataset.server ?? '/graphql');
const { client } = cookies;

connect({
  signUp: (credentials) => signUp(cookies, credentials),
  logIn: (credentials) => logIn(cookies, credentials),
  completeLogin: (step, code) => completeLogin(cookies, step, code),
  addApp: () => startApp(cookies, null),
  confirmApp: (app, code) => confirmApp(cookies, app, code),
  revoke: (id) => revoke(client, id),
  logOut: () => logOut(client, cookies.forget).then(() => null),
});
await cookies.resume();
client.watchQuery({ query: devicesQuery }).subscribe(({ data, dataState }) => {
  if (dataState === 'complete') show(data.viewer);
});
