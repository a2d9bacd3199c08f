export const securityQuery = /* GraphQL */ `
  query Security {
    viewer {
      email
      needsSecondFactor
      recoveryCodesLeft
      authenticatorApp { createdAt }
      passkeys { id name createdAt }
    }
  }
`;

export type Passkey = { id: string; name: string | null; createdAt: string };

export type SecurityData = {
  viewer: {
    email: string;
    needsSecondFactor: boolean;
    recoveryCodesLeft: number | null;
    authenticatorApp: { createdAt: string } | null;
    passkeys: Passkey[];
  } | null;
};

export const startAppMutation = /* GraphQL */ `
  mutation StartApp($signIn: String) {
    result: startAuthenticatorApp(signIn: $signIn) {
      ... on StartAuthenticatorAppPayload { challenge secret qrCode }
      ... on UserError { code message }
    }
  }
`;

export const confirmAppMutation = /* GraphQL */ `
  mutation ConfirmApp($challenge: String!, $code: String!, $signIn: String) {
    result: confirmAuthenticatorApp(challenge: $challenge, code: $code, signIn: $signIn) {
      ... on FactorPayload { recoveryCodes }
      ... on UserError { code message }
    }
  }
`;

export const removeAppMutation = /* GraphQL */ `
  mutation RemoveApp {
    result: removeAuthenticatorApp { ... on ViewerPayload { viewer { id } } ... on UserError { code message } }
  }
`;

export const createCodesMutation = /* GraphQL */ `
  mutation CreateCodes {
    result: createRecoveryCodes {
      ... on CreateRecoveryCodesPayload { recoveryCodes: codes }
      ... on UserError { code message }
    }
  }
`;

/** The data of a mutation that may create recovery codes. Null if the account has some. */
export type CodesData = { recoveryCodes: string[] | null };

export const startPasskeyMutation = /* GraphQL */ `
  mutation StartPasskey {
    result: startPasskeyRegistration { ... on PasskeyChallenge { challenge options } ... on UserError { code message } }
  }
`;

export const finishPasskeyMutation = /* GraphQL */ `
  mutation FinishPasskey($challenge: String!, $response: JSON!) {
    result: finishPasskeyRegistration(challenge: $challenge, response: $response) {
      ... on FactorPayload { passkey { id } }
      ... on UserError { code message }
    }
  }
`;

export const deletePasskeyMutation = /* GraphQL */ `
  mutation DeletePasskey($id: ID!) {
    result: deletePasskey(id: $id) { ... on DeletePasskeyPayload { deletedPasskeyId } ... on UserError { code message } }
  }
`;

export const startPasskeyLoginMutation = /* GraphQL */ `
  mutation StartPasskeyLogin {
    result: startPasskeyLogin { ... on PasskeyChallenge { challenge options } ... on UserError { code message } }
  }
`;

export const finishPasskeyLoginMutation = /* GraphQL */ `
  mutation FinishPasskeyLogin($challenge: String!, $response: JSON!) {
    result: finishPasskeyLogin(challenge: $challenge, response: $response) {
      ... on SignInPayload { viewer { email } }
      ... on UserError { code message }
    }
  }
`;

export const startPasskeyProofMutation = /* GraphQL */ `
  mutation StartPasskeyProof {
    result: startPasskeyReauthentication {
      ... on PasskeyChallenge { challenge options }
      ... on UserError { code message }
    }
  }
`;

export const reauthenticateMutation = /* GraphQL */ `
  mutation Reauthenticate($password: String, $answer: FactorAnswer, $challenge: String) {
    result: reauthenticate(password: $password, answer: $answer, challenge: $challenge) {
      ... on ReauthenticatePayload { antiCSRFToken }
      ... on UserError { code message }
    }
  }
`;
