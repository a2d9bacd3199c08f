import type { Page } from 'playwright-core';

/** Replaces the text of an editor, as by pasting: typed brackets would close themselves. */
export async function replaceText(page: Page, editor: string, text: string): Promise<void> {
  await page.locator(`${editor} .monaco-editor:visible`).first().click();
  await page.keyboard.press('Control+A');
  await page.evaluate((pasted) => {
    const clipboard = new DataTransfer();
    clipboard.setData('text/plain', pasted);
    const event = new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true, cancelable: true });
    document.activeElement?.dispatchEvent(event);
  }, text);
}

/** Opens the pane below the operation, unless it is open already, and replaces its text. */
export async function paste(page: Page, pane: 'Variables' | 'Headers', values: Record<string, string>): Promise<void> {
  const isOpen = await page.locator(`.graphiql-editor-tool[aria-label="${pane}"] .monaco-editor:visible`).count();
  if (!isOpen) await page.getByRole('button', { name: pane, exact: true }).click();
  await replaceText(page, '.graphiql-editor-tool', JSON.stringify(values));
}
