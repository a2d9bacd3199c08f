import { SettingError } from '../../errors.ts';
import { choice, type Environment, read } from '../variables.ts';

/**
 * The treatment of documents that are not trusted: `off` executes them, `report` executes and reports them, `only`
 * refuses them.
 */
export type TrustedDocumentsMode = 'off' | 'report' | 'only';

export type TrustedDocumentsPolicy = {
  /** The path of a manifest, or of a folder of manifests. */
  path: string;
  mode: TrustedDocumentsMode;
};

/**
 * Reads `TRUSTED_DOCUMENTS` and `TRUSTED_DOCUMENTS_MODE`. Returns null if there are no trusted documents.
 *
 * @throws SettingError for another mode, and for a mode without documents: it would refuse or report every request.
 */
export function readTrustedDocumentsPolicy(environment: Environment): TrustedDocumentsPolicy | null {
  const path = read(environment, 'TRUSTED_DOCUMENTS');
  const mode = choice(environment, 'TRUSTED_DOCUMENTS_MODE', ['off', 'report', 'only']);
  if (path !== undefined) return { path, mode };
  if (mode === 'off') return null;
  throw new SettingError(
    'TRUSTED_DOCUMENTS_MODE',
    `TRUSTED_DOCUMENTS_MODE is "${mode}", but TRUSTED_DOCUMENTS is not set. Set it to a manifest or a folder of them.`,
    'TRUSTED_DOCUMENTS',
  );
}
