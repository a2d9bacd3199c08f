import type { Command } from 'commander';
import { counted, type JsonOption, jsonOption, sayResult } from '../../output.ts';

/** Adds the command by which the CI of an application finds out whether the server will accept its manifest. */
export function addCheckDocumentsCommand(program: Command): void {
  program
    .command('check-documents')
    .description(
      'Check whether the documents of manifests are valid for the schema of this version, as the server does with ' +
        'TRUSTED_DOCUMENTS. A path is a manifest or a folder of manifests. Opens no database.',
    )
    .argument('<path...>', 'manifests of Relay, the client preset of GraphQL Code Generator, or Apollo')
    .option(...jsonOption)
    .action(async (paths: string[], options: JsonOption) => {
      const { readManifestFiles } = await import('../../../trusted-documents/files.ts');
      const { loadDocuments } = await import('../../../trusted-documents/load.ts');
      const files = await Promise.all(paths.map(readManifestFiles));
      const { texts } = await loadDocuments(files.flat());
      sayResult({ documents: texts.size }, options, `${counted(texts.size, 'document')} can be trusted.`);
    });
}
