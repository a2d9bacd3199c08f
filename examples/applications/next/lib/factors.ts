/** The values of factors that pages and server actions share. Nothing here is secret to the user. */
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser';

/** A question to the passkeys of a device. */
export type PasskeyQuestion<Options> = { challenge: string; options: Options };
export type CreationOptions = PublicKeyCredentialCreationOptionsJSON;
export type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

/** An authenticator app that waits for its first code. `qrCode` is an SVG image. */
export type NewApp = { challenge: string; secret: string; qrCode: string };

/** A login that waits for its second factor. */
export type PendingLogin = {
  challenge: string;
  methods: ('PASSKEY' | 'TOTP' | 'RECOVERY_CODE')[];
  passkeyOptions: RequestOptions | null;
  canTrustDevice: boolean;
};

/**
 * The state of a sign-in. It lives in the memory of the page, and in no URL and no storage: after a reload, the sign-in
 * begins again.
 */
export type SignInState = { problems: string[] } & (
  | { step: 'credentials'; email: string }
  | { step: 'second factor'; pending: PendingLogin }
  | { step: 'new app'; signIn: string; app: NewApp }
  | { step: 'recovery codes'; codes: string[] }
  | { step: 'mail'; email: string }
);

export const firstStep: SignInState = { step: 'credentials', email: '', problems: [] };

/** Returns the answer in the field for both kinds of codes: those of apps are digits. */
export function answerOf(code: FormDataEntryValue | null): { totpCode: string } | { recoveryCode: string } {
  const text = String(code);
  return /^[\d\s]+$/.test(text) ? { totpCode: text } : { recoveryCode: text };
}
