import type { ResultOf } from 'gql.tada';
import type { devicesQuery } from './operations.ts';
import type { Credentials } from './sessions.ts';
import { type Code, describeStep, type NewApp, type NextStep, type SecondFactor } from './steps.ts';

export type Viewer = NonNullable<ResultOf<typeof devicesQuery>['viewer']>;

/** The actions of the page. Each returns a sentence for the user, or null. Some return the next step of a sign-in. */
export type Actions = {
  signUp(credentials: Credentials): Promise<NextStep>;
  logIn(credentials: Credentials): Promise<NextStep>;
  completeLogin(step: SecondFactor, code: Code): Promise<NextStep>;
  addApp(): Promise<NextStep>;
  /** Returns the recovery codes after the addition. */
  confirmApp(app: NewApp, code: string): Promise<string[] | NextStep>;
  revoke(id: string): Promise<string | null>;
  logOut(): Promise<string | null>;
};

const credentialsForm = find('#credentials', HTMLFormElement);
const codeForm = find('#code', HTMLFormElement);
const status = find('[role=status]', HTMLElement);
const main = find('main', HTMLElement);
const list = find('ul', HTMLElement);

/** The step that waits for a code. */
let step: SecondFactor | NewApp | null = null;

/** Connects the elements of page.html to actions. */
export function connect(actions: Actions): void {
  const act = async (work: Promise<string[] | NextStep>) => {
    // After a failure of the request, the user types the code again.
    proceed(await work.catch((error: Error) => (step ? { ...step, problem: error.message } : error.message)));
  };
  credentialsForm.addEventListener('submit', (event) => {
    event.preventDefault();
    const data = new FormData(credentialsForm);
    const credentials = { email: String(data.get('email')), password: String(data.get('password')) };
    const isNew = event.submitter?.getAttribute('value') === 'signUp';
    void act(isNew ? actions.signUp(credentials) : actions.logIn(credentials));
  });
  codeForm.addEventListener('submit', (event) => {
    event.preventDefault();
    const data = new FormData(codeForm);
    const code = { code: String(data.get('code')), trustDevice: data.has('trustDevice') };
    if (step?.__typename === 'SecondFactorRequired') void act(actions.completeLogin(step, code));
    else if (step) void act(actions.confirmApp(step, code.code));
  });
  find('#code [type=button]', HTMLButtonElement).addEventListener('click', () => proceed(null));
  list.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLButtonElement) void act(actions.revoke(target.value));
  });
  find('[value=addApp]', HTMLButtonElement).addEventListener('click', () => void act(actions.addApp()));
  find('[value=logOut]', HTMLButtonElement).addEventListener('click', () => void act(actions.logOut()));
}

/** Shows the form for a code, a sentence, or the recovery codes. */
function proceed(next: string[] | NextStep): void {
  step = typeof next === 'object' && !Array.isArray(next) ? next : null;
  codeForm.hidden = step === null;
  credentialsForm.inert = step !== null;
  codeForm.reset();
  if (step) {
    const app = step.__typename === 'StartAuthenticatorAppPayload' ? step : null;
    find('#app', HTMLElement).hidden = app === null;
    find('#app img', HTMLImageElement).src = app ? `data:image/svg+xml,${encodeURIComponent(app.qrCode)}` : '';
    find('#app code', HTMLElement).textContent = app?.secret ?? '';
    find('#trust', HTMLElement).hidden = step.__typename !== 'SecondFactorRequired' || !step.canTrustDevice;
    status.textContent = step.problem ?? describeStep(step);
  } else if (Array.isArray(next)) {
    status.textContent = next.length > 0 ? `Keep these codes for the day you lose the app: ${next.join(' ')}` : '';
  } else {
    status.textContent = typeof next === 'string' ? next : null;
  }
}

/** Shows the user with their devices, or the form to nobody. */
export function show(viewer: Viewer | null): void {
  credentialsForm.hidden = viewer !== null;
  main.hidden = viewer === null;
  find('#viewer', HTMLElement).textContent = viewer?.email ?? '';
  list.replaceChildren(
    ...(viewer?.sessions ?? []).map(({ id, clientName, isCurrent }) => {
      const item = document.createElement('li');
      item.append(clientName ?? 'Unknown device', isCurrent ? ' (this device)' : button('Sign out', id));
      return item;
    }),
  );
}

function button(label: string, value: string): HTMLButtonElement {
  const element = document.createElement('button');
  element.append(label);
  element.type = 'button';
  element.value = value;
  return element;
}

function find<Type extends Element>(selector: string, type: new () => Type): Type {
  const element = document.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`page.html has no ${selector}.`);
}
