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

/** The data of a mutation that may create recovery codes. Null if the account has some. */
export type CodesData = { recoveryCodes: string[] | null };

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
