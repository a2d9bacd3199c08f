import type { AssetName } from './assets.ts';
import { examples } from './examples/examples.ts';
import { fetcherScript } from './fetcher.ts';
import { storedTabsScript } from './stored-tabs.ts';

const answerHint = 'Press play to see the answer.';

/** Returns the script that starts GraphiQL, as the page of `@graphql-yoga/render-graphiql` does inline. */
export function startScript(pathOf: (name: AssetName) => string, endpoint: string): string {
  const workers = {
    editorWorkerService: pathOf('editor.worker.js'),
    json: pathOf('json.worker.js'),
    graphql: pathOf('graphql.worker.js'),
  };
  // A header may contain a bearer token, which must not stay on the disk of a browser.
  const options = { title: 'Sessions', defaultTabs: examples, schemaDescription: true, shouldPersistHeaders: false };
  return `'use strict';
const workers = ${JSON.stringify(workers)};
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (moduleId, label) => workers[label] };
${fetcherScript}
${storedTabsScript(examples)}
${pressedTabs}
${editorOptions}
addEventListener('DOMContentLoaded', () => {
  // The renderer would open an operation of the address, and one press of play would run a stranger's mutation.
  history.replaceState(null, '', location.pathname);
  restoreTabs();
  YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), {
    ...${JSON.stringify(options)},
    fetcher: createFetcher(${JSON.stringify(endpoint)}),
    // In place of writing the operation, with its passwords, into the address of the page.
    onEditQuery() {},
  });
});
`;
}

/**
 * Turns dragging of tabs off, which would not be visible: page.css fixes their places. The library must not see that a
 * tab is pressed. The click itself goes on.
 */
const pressedTabs = `addEventListener(
  'pointerdown',
  (event) => {
    if (event.target.closest?.('.graphiql-tab')) event.stopPropagation();
  },
  { capture: true },
);`;

/**
 * Sets options of the editors that GraphiQL has no property for: long lines wrap, no two characters are drawn as one
 * (`==` in a token), and the empty response tells how to begin. GraphiQL stores its editor library in `__MONACO`.
 */
const editorOptions = `let monaco;
Object.defineProperty(self, '__MONACO', {
  get: () => monaco,
  set(library) {
    monaco = library;
    library.editor.onDidCreateEditor((editor) => {
      // The editor gets its text after this event.
      queueMicrotask(() => {
        const isResponse = /response/.test(editor.getModel()?.uri.path ?? '');
        const placeholder = isResponse ? ${JSON.stringify(answerHint)} : undefined;
        editor.updateOptions({ wordWrap: 'on', wrappingIndent: 'indent', fontLigatures: false, placeholder });
      });
    });
  },
});`;
