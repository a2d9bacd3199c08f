import { type FragmentOf, readFragment } from 'gql.tada';
import { type Client, unknownResult } from './client.ts';
import { graphql } from './graphql.ts';

const deviceFields = graphql(`
  fragment Device on Session {
    id
    clientName
    lastSeenAt
    isCurrent
  }
`);

const viewerDocument = graphql(
  `
    query Viewer {
      viewer {
        id
        email
        sessions { ...Device }
      }
    }
  `,
  [deviceFields],
);

const revokeDocument = graphql(`
  mutation Revoke($id: ID!) {
    revoke(id: $id) {
      __typename
      ... on RevokePayload { revokedSessionId }
      ... on UserError { message }
    }
  }
`);

/** Returns the signed-in user with the devices. Null if nobody is signed in, or no longer. */
export async function readViewer(client: Client) {
  const { viewer } = await client.request(viewerDocument, {});
  return viewer;
}

/** Ends the session of a device. Returns null on success, and otherwise a sentence for the user. */
export async function revoke(client: Client, id: string): Promise<string | null> {
  const { revoke: result } = await client.request(revokeDocument, { id });
  switch (result?.__typename) {
    case 'RevokePayload':
      return null;
    case 'SessionNotFoundError':
    case 'ReauthenticationRequiredError':
      return result.message;
    case undefined:
      throw new Error('A mutation is null only together with an error.');
    default:
      return unknownResult(result);
  }
}

// #region fragment
/** Returns the ID and a line of text for a device. A component reads its fragment in the same way. */
export function describe(device: FragmentOf<typeof deviceFields>): { id: string; line: string } {
  const { id, clientName, lastSeenAt, isCurrent } = readFragment(deviceFields, device);
  const name = clientName ?? 'An unknown device';
  return { id, line: isCurrent ? `${name} (this one)` : `${name}, last seen ${new Date(lastSeenAt).toLocaleString()}` };
}
// #endregion
