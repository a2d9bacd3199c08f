import * as SecureStore from 'expo-secure-store';
import { Client } from './client.ts';
import { readViewer } from './devices.ts';
import { RequestError } from './request-error.ts';
import { openTokens } from './tokens.ts';

/**
 * Opens the client when the app starts, and asks who is signed in.
 *
 * @param showLogin - also runs later, when the session is over
 */
export async function startApp(showLogin: () => void) {
  const client = new Client({
    url: 'https://app.example.com/graphql',
    tokens: await openTokens(SecureStore, console.warn),
    userAgent: 'ExampleApp/1.0 (iPhone; iOS 19.1)',
    onSessionOver: showLogin,
  });
  if (client.tokens.session === null) {
    showLogin();
    return { client, viewer: null };
  }
  const viewer = await readViewer(client).catch((error: unknown) => {
    // Offline, or 503: still signed in. The app shows what it has.
    if (error instanceof RequestError) return null;
    throw error;
  });
  return { client, viewer };
}
