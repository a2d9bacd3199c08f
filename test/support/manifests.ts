/** Manifests of trusted documents, in the formats that the tools of clients write. */
import { hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrustedDocumentsMode } from '../../src/config/graphql/trusted-documents.ts';
import { temporaryFolder } from './database.ts';

export const documents = {
  viewer: 'query Viewer { viewer { __typename id email } }',
  logout: 'mutation Logout { logout { revokedSessionId } }',
  node: 'query Node($id: ID!) { node(id: $id) { __typename id } }',
};

/** Relay's compiler hashes by MD5 by default. */
export const relayId = hash('md5', documents.viewer, 'hex');

/** The client preset, with a prefix as the draft of GraphQL over HTTP has it. */
export const presetId = `sha256:${hash('sha256', documents.logout, 'hex')}`;

export const apolloId = hash('sha256', documents.node, 'hex');

export const relayManifest = JSON.stringify({ [relayId]: documents.viewer }, null, 2);

export const presetManifest = JSON.stringify({ [presetId]: documents.logout }, null, 2);

export const apolloManifest = JSON.stringify(
  {
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: apolloId, name: 'Node', type: 'query', body: documents.node }],
  },
  null,
  2,
);

/** Returns a folder with one manifest of each tool. */
export async function manifestFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'relay.json'), relayManifest);
  await writeFile(join(folder, 'persisted-documents.json'), presetManifest);
  await writeFile(join(folder, 'persisted-query-manifest.json'), apolloManifest);
  return folder;
}

/** Returns the settings of a server that trusts the documents of these tools. */
export async function trusting(mode: TrustedDocumentsMode) {
  return { trustedDocuments: { path: await manifestFolder(), mode } };
}
