import { describe, expect, it } from 'vitest';
import { isReserved, readUsername } from '../../src/users/username.ts';

const keyOf = (text: string) => readUsername(text)?.key ?? null;

describe('a username', () => {
  it.each([
    ['Ada', 'ada'],
    ['  ada.lovelace_1815-x ', 'ada.lovelace_1815-x'],
    ['Ａｄａ', 'ada'],
    ['e\u0301mile', 'émile'],
    ['Ünal', 'ünal'],
    ['ЛЕВТ', 'левт'],
    ['ада-1', 'ада-1'],
    ['東京タワーの人', '東京タワーの人'],
    ['tokyo東京', 'tokyo東京'],
    ['서울abc', '서울abc'],
    ['नमस्ते', 'नमस्ते'],
    ['שלום1', 'שלום1'],
    ['ﾃｽﾄ', 'テスト'],
    ['a'.repeat(32), 'a'.repeat(32)],
  ])('is stored in one form: %s', (text, name) => {
    expect(readUsername(text)?.name).toBe(name);
  });

  it.each([
    ['too short', 'ab'],
    ['too long', 'a'.repeat(33)],
    ['very long', 'a'.repeat(60_000)],
    ['an address', 'ada@example.com'],
    ['with a wide @', 'ada＠example'],
    ['with a space', 'ada lovelace'],
    ['with punctuation at the start', '.ada'],
    ['with punctuation at the end', 'ada-'],
    ['without a letter', '12345'],
    ['with other punctuation', 'ada+x'],
    ['of two scripts', 'аdа'],
    ['of Latin and Greek', 'adaω'],
    ['of Cyrillic and Han', 'ада東京'],
    ['of a script that nobody uses', '𐌀𐌁𐌂'],
    ['with a mathematical letter', '𝐚da'],
    ['with a ligature', 'ﬁona'],
    ['with a joiner', 'ad\u200da'],
    ['with a filler', '서울\u3164'],
    ['with other digits', 'ada٣'],
    ['with an emoji', 'ada😀'],
    ['with a control character', 'ada\u0000'],
    ['with a lone surrogate', 'ada\ud800'],
    ['with a mark at the start', '\u0301ada'],
    ['that changes its order with the text around it', '1שלום'],
  ])('is refused: %s', (_what, text) => {
    expect(readUsername(text)).toBeNull();
  });

  it.each([
    ['ada', 'ADA'],
    ['bob', 'b0b'],
    ['lila', '1ila'],
    ['modern', 'modem'],
    ['scope', 'ѕсоре'],
    ['aaa', 'ααα'],
    ['ısla', 'isla'],
    ['straße', 'strasse'],
    ['ΟΔΟΣ', 'οδοσ'],
  ])('has the key of one that looks like it: %s and %s', (one, other) => {
    expect(keyOf(one)).not.toBeNull();
    expect(keyOf(other)).toBe(keyOf(one));
  });

  it('has another key than one that is only similar', () => {
    const names = ['ada', 'adа́'.normalize('NFC'), 'ada1', 'ada.', 'a.da', 'a-da', 'a_da', 'adä', 'eda'];
    const keys = names.map(keyOf).filter((key) => key !== null);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.length).toBeGreaterThan(5);
  });

  it('is reserved in every form', () => {
    const policy = { isEnabled: true, reserved: ['Acme', 'cope'] };
    const reserved = (text: string) => {
      const username = readUsername(text);
      return username !== null && isReserved(username, policy);
    };
    for (const text of ['admin', 'ROOT', 'r00t', 'postmaster', 'acme', 'ACME', 'соре'])
      expect(reserved(text), text).toBe(true);
    for (const text of ['ada', 'administrators', 'acme2']) expect(reserved(text), text).toBe(false);
  });
});
