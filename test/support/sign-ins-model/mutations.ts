const session = 'token antiCSRFToken deviceToken';
const enrolment = '... on SecondFactorEnrolmentRequired { challenge }';
const pending = `... on SecondFactorRequired { challenge passkeyOptions } ${enrolment}`;

/** The mutations of the model, with the fields that it reads. */
export const mutations = {
  login: `mutation ($email: String!, $password: String!, $transport: Transport!, $remember: Boolean!) {
    login(email: $email, password: $password, transport: $transport, remember: $remember) {
      __typename ... on SignInPayload { ${session} } ${pending} } }`,
  complete: `mutation ($challenge: String!, $answer: FactorAnswer!, $trustDevice: Boolean!) {
    completeLogin(challenge: $challenge, answer: $answer, trustDevice: $trustDevice) {
      __typename ... on SignInPayload { ${session} } ${enrolment} } }`,
  startApp: `mutation ($signIn: String, $transport: Transport!) {
    startAuthenticatorApp(signIn: $signIn, transport: $transport) {
      __typename ... on StartAuthenticatorAppPayload { challenge secret } } }`,
  confirmApp: `mutation ($challenge: String!, $code: String!, $signIn: String) {
    confirmAuthenticatorApp(challenge: $challenge, code: $code, signIn: $signIn) {
      __typename ... on FactorPayload { ${session} recoveryCodes } } }`,
  startPasskey: `mutation ($transport: Transport!) { startPasskeyRegistration(transport: $transport) {
    __typename ... on PasskeyChallenge { challenge options } } }`,
  finishPasskey: `mutation ($challenge: String!, $response: JSON!) {
    finishPasskeyRegistration(challenge: $challenge, response: $response) {
      __typename ... on FactorPayload { ${session} } } }`,
  startPasskeyLogin: `mutation ($transport: Transport!) { startPasskeyLogin(transport: $transport) {
    __typename ... on PasskeyChallenge { challenge options } } }`,
  finishPasskeyLogin: `mutation ($challenge: String!, $response: JSON!) {
    finishPasskeyLogin(challenge: $challenge, response: $response) {
      __typename ... on SignInPayload { ${session} } } }`,
  reauthenticate: `mutation ($password: String!) { reauthenticate(password: $password) {
    __typename ... on ReauthenticatePayload { token antiCSRFToken } } }`,
  proveFactor: `mutation ($answer: FactorAnswer!) { reauthenticate(answer: $answer) {
    __typename ... on ReauthenticatePayload { token antiCSRFToken } } }`,
  createCodes: 'mutation { createRecoveryCodes { __typename ... on CreateRecoveryCodesPayload { codes } } }',
  startProof: 'mutation { startPasskeyReauthentication { __typename ... on PasskeyChallenge { challenge options } } }',
  proveByPasskey: `mutation ($challenge: String!, $answer: FactorAnswer!) {
    reauthenticate(challenge: $challenge, answer: $answer) {
      __typename ... on ReauthenticatePayload { token antiCSRFToken } } }`,
  requireSecondFactor: `mutation ($required: Boolean!) { requireSecondFactor(required: $required) {
    __typename ... on RequireSecondFactorPayload { recoveryCodes } } }`,
  requestSignIn: `mutation ($email: String!, $transport: Transport!) {
    requestEmailSignIn(email: $email, transport: $transport) { __typename challenge } }`,
  signInByCode: `mutation ($challenge: String!, $code: String!) {
    signInWithEmailCode(challenge: $challenge, code: $code) {
      __typename ... on SignInPayload { ${session} } ${pending} } }`,
  signInByLink: `mutation ($token: String!, $transport: Transport!) {
    signInWithEmailLink(token: $token, transport: $transport) {
      __typename ... on SignInPayload { ${session} } ${pending} } }`,
  undo: `mutation ($token: String!, $password: String) {
    undoChange(token: $token, password: $password) { __typename } }`,
  changePassword: `mutation ($currentPassword: String!, $newPassword: String!) {
    changePassword(currentPassword: $currentPassword, newPassword: $newPassword) {
      __typename ... on ChangePasswordPayload { token antiCSRFToken } } }`,
  requestReset: 'mutation ($email: String!) { requestPasswordReset(email: $email) { __typename } }',
  reset: `mutation ($token: String!, $newPassword: String!, $transport: Transport!) {
    resetPassword(token: $token, newPassword: $newPassword, transport: $transport) {
      __typename ... on SignInPayload { ${session} } ${pending} } }`,
  requestEmail: `mutation ($newEmail: String!, $password: String!) {
    requestEmailChange(newEmail: $newEmail, password: $password) { __typename } }`,
  deleteAccount: 'mutation ($password: String!) { deleteAccount(password: $password) { __typename } }',
  signUp: `mutation ($email: String!, $password: String!, $transport: Transport!) {
    signUp(email: $email, password: $password, transport: $transport) {
      __typename ... on SignInPayload { ${session} } ${enrolment} } }`,
};

/** The mutations that follow a mailed link, by the name of the mail. They sign nobody in. */
export const followed: Record<string, string> = {
  'verify-email': 'mutation ($token: String!) { verifyEmail(token: $token) { __typename } }',
  'confirm-email-change': 'mutation ($token: String!) { confirmEmailChange(token: $token) { __typename } }',
  'new-device': 'mutation ($token: String!) { disownSession(token: $token) { __typename } }',
  'password-changed': 'mutation ($token: String!) { undoChange(token: $token) { __typename } }',
  'factor-reset-requested': 'mutation ($token: String!) { refuseFactorReset(token: $token) { __typename } }',
  'email-changed': 'mutation ($token: String!) { undoChange(token: $token) { __typename } }',
};

/** The mutations without arguments that end sessions. */
export const endings = ['logout', 'revokeOthers', 'revokeAll'].map((field) => `mutation { ${field} { __typename } }`);
