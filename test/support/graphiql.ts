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

/** Clicks the name of the pane below the operation, and replaces its text. */
export async function paste(page: Page, pane: 'Variables' | 'Headers', values: Record<string, string>): Promise<void> {
  await page.getByRole('button', { name: pane, exact: true }).click();
  await replaceText(page, '.graphiql-editor-tool', JSON.stringify(values));
}
