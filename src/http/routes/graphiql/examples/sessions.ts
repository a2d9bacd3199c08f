import type { Example } from './example.ts';

/** The beginning of a session, by cookie and by bearer token. */
export const sessionExamples: Example[] = [
  {
    query: `# Begin here: press the play button, then go
# on with the next tab.
#
# Store data before the visitor signs in. This
# starts an anonymous session. After sign-up,
# the new session keeps the data.
mutation Visit {
  setPublicData(data: { cart: ["tea"] }) {
    ... on SessionDataPayload {
      session { id publicData user { id } }
    }
    ... on UserError { code message }
  }
}
`,
  },
  {
    query: `# Create an account. The answer sets the
# session cookie. This page sends the
# anti-CSRF token by itself.
mutation SignUp {
  signUp(
    email: "ada@example.com"
    password: "correct horse battery staple"
    name: "Ada"
  ) {
    ... on SignInPayload {
      viewer { id email name role }
      session { id expiresAt publicData }
    }
    ... on UserError { code message }
  }
}
`,
  },
  {
    query: `# List the signed-in user and their sessions.
query Me {
  viewer {
    id
    email
    sessions {
      id
      isCurrent
      clientName
      ipAddress
      lastSeenAt
      expiresAt
    }
  }
  currentSession { id user { email } }
}
`,
  },
  {
    query: `# See your devices live: press play, and
# sign in or out in another window or by a
# program. The square button stops it.
subscription Devices {
  sessionEvents {
    __typename
    ... on SessionsSnapshot {
      viewer { sessions { id clientName } }
    }
    ... on SessionStarted {
      session { id clientName }
    }
    ... on SessionEnded { sessionId reason }
  }
}
`,
  },
  {
    query: `# Sign in again with a new session. The
# session of this page ends.
mutation LogIn {
  login(
    email: "ada@example.com"
    password: "correct horse battery staple"
  ) {
    ... on SignInPayload {
      viewer { email }
      session { id handle }
    }
    ... on UserError { code message }
  }
}
`,
  },
  {
    query: `# Sign in on a second device: a program, which
# gets a bearer token in place of a cookie.
# The header below keeps the cookie of this
# page out, so that its session goes on.
mutation GetToken {
  login(
    email: "ada@example.com"
    password: "correct horse battery staple"
    transport: BEARER
  ) {
    ... on SignInPayload {
      token
      session { id }
    }
    ... on UserError { code message }
  }
}
`,
    headers: '{ "authorization": "Bearer none" }',
  },
  {
    query: `# Be the program: click Headers below, and
# paste the token of GetToken after "Bearer ".
query UseToken {
  viewer { email }
  currentSession { id isCurrent expiresAt }
}
`,
    headers: '{ "authorization": "Bearer paste-the-token-here" }',
  },
];
