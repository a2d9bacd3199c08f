/** The library for WebAuthn. */

/** Loads the library at its first use: it takes 28 MB of memory, which a server without passkeys does not need. */
export function loadWebAuthn() {
  return import('@simplewebauthn/server');
}

/** Loads the decoders of the library. */
export function loadDecoders() {
  return import('@simplewebauthn/server/helpers');
}
