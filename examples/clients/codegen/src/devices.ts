import { type Client, unknownResult } from './client.ts';
import { revokeDocument, viewerDocument } from './documents.ts';
import type { ViewerQuery } from './generated/graphql.ts';

/** Returns the signed-in user with the devices. Null if nobody is signed in, or no longer. */
export async function readViewer(client: Client): Promise<ViewerQuery['viewer']> {
  const { viewer } = await client.execute(viewerDocument, {});
  return viewer;
}

/** Ends the session of a device. Returns null on success, and otherwise a sentence for the user. */
export async function revoke(client: Client, id: string): Promise<string | null> {
  const { revoke: result } = await client.execute(revokeDocument, { id });
  switch (result.__typename) {
    case 'RevokePayload':
      return null;
    case 'SessionNotFoundError':
    case 'ReauthenticationRequiredError':
      return result.message;
    default:
      return unknownResult(result);
  }
}
