import type { ResultOf } from 'gql.tada';
import type { devicesQuery } from './operations.ts';
import type { Credentials } from './sessions.ts';

export type Viewer = NonNullable<ResultOf<typeof devicesQuery>['viewer']>;

/** The actions of the page. Each returns a sentence for the user, or null. */
export type Actions = {
  signUp(credentials: Credentials): Promise<string | null>;
  logIn(credentials: Credentials): Promise<string | null>;
  revoke(id: string): Promise<string | null>;
  logOut(): Promise<string | null>;
};

const form = find('form', HTMLFormElement);
const status = find('[role=status]', HTMLElement);
const main = find('main', HTMLElement);
const list = find('ul', HTMLElement);

/** Connects the elements of page.html to actions. */
export function connect(actions: Actions): void {
  const act = async (work: Promise<string | null>) => {
    status.textContent = await work.catch((error: Error) => error.message);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const credentials = { email: String(data.get('email')), password: String(data.get('password')) };
    const isNew = event.submitter?.getAttribute('value') === 'signUp';
    void act(isNew ? actions.signUp(credentials) : actions.logIn(credentials));
  });
  list.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLButtonElement) void act(actions.revoke(target.value));
  });
  find('main > button', HTMLButtonElement).addEventListener('click', () => void act(actions.logOut()));
}

/** Shows the user with their devices, or the form to nobody. */
export function show(viewer: Viewer | null): void {
  form.hidden = viewer !== null;
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
