import type { NewApp } from './factors.ts';

/** The QR code and the secret for a new authenticator app, and the field for its first code. */
export function AppFields({ app, isPending = false }: { app: NewApp; isPending?: boolean }) {
  return (
    <>
      {/* An image runs no script, even if the SVG had one. */}
      <img src={`data:image/svg+xml,${encodeURIComponent(app.qrCode)}`} alt="QR code for the app" width="200" />
      <p>
        Or type this secret: <code>{app.secret}</code>
      </p>
      <label>
        Code of the app
        <input name="code" autoComplete="one-time-code" inputMode="numeric" required />
      </label>
      <button type="submit" disabled={isPending}>
        Confirm the app
      </button>
    </>
  );
}
