/** Shows recovery codes, which no page can show again. */
export function RecoveryCodes({ codes }: { codes: string[] }) {
  return (
    <>
      <p>Keep these recovery codes in a safe place. Each opens your account once, without the app:</p>
      <pre>{codes.join('\n')}</pre>
    </>
  );
}
