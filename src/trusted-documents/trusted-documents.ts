import { type Repeated, repeat } from '../background.ts';
import type { TrustedDocumentsMode, TrustedDocumentsPolicy } from '../config/graphql/trusted-documents.ts';
import { OperatorNotice } from '../errors.ts';
import { readManifestFiles, stateOfFiles } from './files.ts';
import { loadDocuments } from './load.ts';
import { reportUntrusted, type UntrustedOperation } from './untrusted-operations.ts';

/** The documents that the operator trusts. A new set replaces all of them at once. */
export type TrustedDocuments = {
  mode: TrustedDocumentsMode;
  readonly count: number;
  /** Returns the text of a document, or undefined for an unknown id. */
  textOf(id: string): string | undefined;
  /** Returns whether a text is that of a trusted document. */
  isTrusted(text: string): boolean;
  /** Reports an operation that was executed although the mode `only` would refuse it. */
  noteUntrusted(operation: UntrustedOperation): void;
  /** Reads the files again. @throws OperatorError if they are not valid. The documents from before stay in use. */
  reload(): Promise<void>;
  /**
   * Reads the files again whenever they change, until it is stopped. Reports files that are not valid.
   *
   * @param everyMs - the interval at which the files are compared
   */
  watch(everyMs?: number): Repeated;
};

/** In milliseconds. Events of the file system do not arrive from every volume, so the files are compared. */
const watchIntervalMs = 5_000;

/**
 * Loads the trusted documents.
 *
 * @throws OperatorError with a line for each problem.
 */
export async function openTrustedDocuments(
  { path, mode }: TrustedDocumentsPolicy,
  report: (error: unknown) => void,
): Promise<TrustedDocuments> {
  const load = async () => loadDocuments(await readManifestFiles(path));
  // Taken before the files are read, so that a change in the meantime is seen.
  let state = await stateOfFiles(path);
  let current = await load();
  let loading: Promise<void> = Promise.resolve();
  const untrusted = reportUntrusted(report);

  /** Loads one after the other, so that the files of the last call count. */
  function reload(): Promise<void> {
    const next = loading.then(async () => {
      current = await load();
      report(new OperatorNotice('info', `The trusted documents of ${path} were loaded: ${current.texts.size}.`));
    });
    loading = next.catch(() => {});
    return next;
  }

  async function reloadChanged(): Promise<void> {
    const now = await stateOfFiles(path);
    if (now === state) return;
    state = now;
    await reload().catch((error: Error) => {
      report(new OperatorNotice('error', `${error.message}\nThe trusted documents from before stay in use.`));
    });
  }

  return {
    mode,
    get count() {
      return current.texts.size;
    },
    textOf: (id) => current.texts.get(id),
    isTrusted: (text) => current.known.has(text),
    noteUntrusted: untrusted.note,
    reload,
    watch(everyMs = watchIntervalMs) {
      const watching = repeat(everyMs, reloadChanged, report);
      return {
        async stop() {
          await watching.stop();
          await loading;
          untrusted.stop();
        },
      };
    },
  };
}
