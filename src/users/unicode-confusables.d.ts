declare module 'unicode-confusables' {
  /** Returns a text with each character replaced by the one that it can be mistaken for (UTS 39, section 4). */
  export function rectifyConfusion(text: string): string;
}
