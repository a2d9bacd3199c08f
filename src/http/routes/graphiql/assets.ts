import { createHash } from 'node:crypto';
import { startScript } from './start.ts';
import { pageStyle } from './style.ts';

/** The files of the page beside its HTML, by name, with their media types. */
export const assetTypes = {
  'start.js': 'text/javascript; charset=utf-8',
  'graphiql.js': 'text/javascript; charset=utf-8',
  'graphiql.css': 'text/css; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'favicon.ico': 'image/x-icon',
  'editor.worker.js': 'text/javascript; charset=utf-8',
  'json.worker.js': 'text/javascript; charset=utf-8',
  'graphql.worker.js': 'text/javascript; charset=utf-8',
};

export type AssetName = keyof typeof assetTypes;

/** `etag` is the SHA-256 of the bytes. */
export type Asset = { bytes: Buffer; etag: string };

let assets: Promise<Record<AssetName, Asset>> | undefined;

/** Returns a file of the page. All of them, 9 MB, are loaded when the first is asked for, and kept once. */
export async function loadAsset(
  name: AssetName,
  pathOf: (name: AssetName) => string,
  endpoint: string,
): Promise<Asset> {
  assets ??= loadAssets(pathOf, endpoint);
  return (await assets)[name];
}

async function loadAssets(pathOf: (name: AssetName) => string, endpoint: string): Promise<Record<AssetName, Asset>> {
  const graphiql = await import('@graphql-yoga/render-graphiql/graphiql');
  return {
    'start.js': asset(startScript(pathOf, endpoint)),
    'graphiql.js': asset(graphiql.js),
    'graphiql.css': asset(graphiql.css),
    'page.css': asset(pageStyle),
    // The package has it as a data URL.
    'favicon.ico': asset(Buffer.from(graphiql.favicon.slice(graphiql.favicon.indexOf(',') + 1), 'base64')),
    'editor.worker.js': asset(graphiql.editorWorkerService),
    'json.worker.js': asset(graphiql.jsonWorker),
    'graphql.worker.js': asset(graphiql.graphqlWorker),
  };
}

function asset(content: string | Buffer): Asset {
  const bytes = Buffer.from(content);
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` };
}
