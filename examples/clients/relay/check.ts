/** The life of an account against a real server: SESSIONS_URL=http://127.0.0.1:4000/graphql node check.ts */
import './relay-tags.ts';

// After the hooks of the line above: a static import would load the journey before it.
await import('./journey.ts');
