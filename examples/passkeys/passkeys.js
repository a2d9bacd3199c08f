/** Adds, uses and deletes the passkeys of an account. */
import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { ask } from './ask.js';

const signals = 'passkeySignals { rpId userHandle credentialIds name displayName }';

/** Adds a passkey to the account of the signed-in user. With `quietly`, the browser may make it without a question. */
export async function addPasskey(name, { quietly = false } = {}) {
  const { startPasskeyRegistration: started } = await ask(
    `mutation ($quietly: Boolean!) {
      startPasskeyRegistration(conditional: $quietly) {
        __typename
        ... on PasskeyChallenge { challenge options }
        ... on UserError { code message }
      }
    }`,
    { quietly },
  );
  if (started.__typename !== 'PasskeyChallenge') return started;
  const response = await startRegistration({ optionsJSON: started.options, useAutoRegister: quietly });
  const { finishPasskeyRegistration: added } = await ask(
    `mutation ($challenge: String!, $response: JSON!, $name: String) {
      finishPasskeyRegistration(challenge: $challenge, response: $response, name: $name) {
        __typename
        ... on FactorPayload { antiCSRFToken passkey { id name } viewer { ${signals} } }
        ... on UserError { code message }
        ... on PasskeyRejectedError { reason }
      }
    }`,
    { challenge: started.challenge, response, name },
  );
  if (added.__typename === 'FactorPayload') await tellDevices(added.viewer.passkeySignals);
  return added;
}

/** Signs in with a passkey. With `autofill`, the browser offers them in a field, and this waits until one is chosen. */
export async function loginByPasskey({ autofill = false } = {}) {
  const { startPasskeyLogin: started } = await ask(
    `mutation {
      startPasskeyLogin {
        __typename
        ... on PasskeyChallenge { challenge options }
        ... on UserError { code message }
      }
    }`,
  );
  if (started.__typename !== 'PasskeyChallenge') return started;
  const response = await startAuthentication({ optionsJSON: started.options, useBrowserAutofill: autofill });
  const { finishPasskeyLogin: result } = await ask(
    `mutation ($challenge: String!, $response: JSON!) {
      finishPasskeyLogin(challenge: $challenge, response: $response) {
        __typename
        ... on SignInPayload { antiCSRFToken viewer { email ${signals} } }
        ... on UserError { code message }
        ... on PasskeyRejectedError { reason }
      }
    }`,
    { challenge: started.challenge, response },
  );
  if (result.__typename === 'SignInPayload') await tellDevices(result.viewer.passkeySignals);
  // The account has deleted this passkey. The device should do the same.
  if (result.reason === 'UNKNOWN_CREDENTIAL') {
    const { rpId } = started.options;
    await PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId: response.id });
  }
  return result;
}

/** Completes a login that returned `SecondFactorRequired { challenge passkeyOptions }`. */
export async function completeByPasskey({ challenge, passkeyOptions }) {
  const response = await startAuthentication({ optionsJSON: passkeyOptions });
  const { completeLogin: result } = await ask(
    `mutation ($challenge: String!, $response: JSON!) {
      completeLogin(challenge: $challenge, answer: { passkey: { response: $response } }) {
        __typename
        ... on SignInPayload { antiCSRFToken viewer { email } }
        ... on UserError { code message }
      }
    }`,
    { challenge, response },
  );
  return result;
}

/** Deletes a passkey of the signed-in user. */
export async function deletePasskey(id) {
  const { deletePasskey: result } = await ask(
    `mutation ($id: ID!) {
      deletePasskey(id: $id) {
        __typename
        ... on DeletePasskeyPayload { viewer { ${signals} } }
        ... on UserError { code message }
      }
    }`,
    { id },
  );
  if (result.__typename === 'DeletePasskeyPayload') await tellDevices(result.viewer.passkeySignals);
  return result;
}

/** Tells the devices of the user which passkeys the account has, and its name (the Signal API). */
async function tellDevices({ rpId, userHandle: userId, credentialIds, name, displayName }) {
  await PublicKeyCredential.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds: credentialIds });
  await PublicKeyCredential.signalCurrentUserDetails?.({ rpId, userId, name, displayName });
}
