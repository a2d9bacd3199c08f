/** The manifests in test/fixtures/manifests, which relay-compiler 21, the client preset 6 and Apollo's tool 1.4 wrote. */
import { readFileSync } from 'node:fs';
import type { TrustedDocumentsMode } from '../../src/config/graphql/trusted-documents.ts';

export const manifestFolder = 'test/fixtures/manifests';

function manifestOf(name: string): string {
  return readFileSync(`${manifestFolder}/${name}`, 'utf8');
}

export const relayManifest = manifestOf('relay.json');
const presetManifest = manifestOf('persisted-documents.json');
export const apolloManifest = manifestOf('persisted-query-manifest.json');

/** The documents of the manifests by their ids: `query AppViewerQuery`, `mutation Logout`, `query Node($id: ID!)`. */
const entries: [id: string, text: string][] = [
  ...Object.entries(JSON.parse(relayManifest) as Record<string, string>),
  ...Object.entries(JSON.parse(presetManifest) as Record<string, string>),
  ...(JSON.parse(apolloManifest).operations as { id: string; body: string }[]).map(({ id, body }): [string, string] => [
    id,
    body,
  ]),
];
export const [relayId = '', presetId = '', apolloId = ''] = entries.map(([id]) => id);
const [viewer = '', logout = '', node = ''] = entries.map(([, text]) => text);
export const documents = { viewer, logout, node };

/** Returns the settings of a server that trusts these documents. */
export function trusting(mode: TrustedDocumentsMode) {
  return { trustedDocuments: { path: manifestFolder, mode } };
}
