import type { Example } from './examples/example.ts';

/**
 * Returns the script with `restoreTabs`, which prepares what GraphiQL stored in the browser before GraphiQL reads it.
 *
 * GraphiQL stores its tabs without their headers, which may contain a bearer token. So the examples get their own
 * headers back, and headers that an earlier version of this page stored are deleted. GraphiQL finds the open tab by its
 * operation, its variables and empty headers, and adds a second copy if none fits. So the first tab opens in place of
 * one that has headers.
 */
export function storedTabsScript(examples: Example[]): string {
  const headers = examples.map(({ query, headers }) => [
    /^(?:query|mutation) (\w+)/m.exec(query)?.[1],
    headers ?? null,
  ]);
  return `
const exampleHeaders = new Map(${JSON.stringify(headers)});
${restoreTabs}`;
}

const restoreTabs = `
function restoreTabs() {
  try {
    localStorage.removeItem('graphiql:headers');
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
    for (const tab of tabs) tab.headers = exampleHeaders.get(tab.title) ?? null;
    const open = tabs[activeTabIndex].headers === null ? activeTabIndex : 0;
    localStorage.setItem('graphiql:query', tabs[open].query ?? '');
    localStorage.setItem('graphiql:variables', tabs[open].variables ?? '');
    localStorage.setItem('graphiql:tabState', JSON.stringify({ tabs, activeTabIndex: open }));
  } catch {
    // There are no stored tabs: GraphiQL opens the examples.
  }
}
`;
