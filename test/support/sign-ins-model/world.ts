import { expect } from 'vitest';
import { carryOutFactorResets } from '../../../src/maintenance/factor-resets.ts';
import { needsSecondFactor } from '../../../src/sessions/assurance/second-factor.ts';
import { whereLive } from '../../../src/sessions/session.ts';
import { type Client, type Data, password, type TestApi } from '../api.ts';
import type { Authenticator } from '../authenticator.ts';
import { type Delivered, deliverMail } from '../mail.ts';
import { authenticatorOf } from '../passkeys.ts';
import type { Random } from '../random.ts';
import { type App, addApp } from '../second-factor.ts';
import { mutations } from './mutations.ts';

/** The methods that are a second factor, or stand for one. */
const secondFactor = /\b(totp|passkey|security_key|recovery_code|trusted_device)\b/;

/** A browser or a program. */
export type Device = { client: Client; transport: 'COOKIE' | 'BEARER' };

/** The person who sends a request, and the device that sends it. */
export type Actor = { name: string; device: Device };

/** A user, whose passwords the thief knows too. */
export type Person = {
  name: string;
  id: bigint;
  /** All addresses that the user has had, the current one last. Their mail reaches the user. */
  emails: string[];
  /** All passwords that the user has had, the newest last. An undo may bring an earlier one back. */
  passwords: string[];
  devices: [Device, Device];
  /** The authenticator app. Null before there is one. */
  app: App | null;
  /** The recovery codes that the user has noted, and not used. */
  recoveryCodes: string[];
  /** The device with the passkeys. */
  authenticator: Authenticator;
};

/** A sign-in or an enrolment that was begun. */
export type Begun = {
  secret: string;
  /** The name of the person who began it. */
  by: string;
  /** The user whose account it is for, if a login told it. */
  of: Person | null;
};

/**
 * Two users, an administrator and a thief, on one server. The thief knows every password, every challenge and every
 * code that was accepted, but has no app of the others, none of their devices, and no mailbox.
 */
export class SignInWorld {
  readonly api: TestApi;
  readonly random: Random;
  readonly people: { ada: Person; bob: Person; admin: Person };
  readonly thief: [Device, Device];
  readonly challenges: Begun[] = [];
  /** The codes that were accepted, the newest last. */
  readonly acceptedCodes: { code: string; of: Person }[] = [];
  /** The recovery codes that were accepted. */
  readonly usedRecoveryCodes: { code: string; of: Person }[] = [];
  /** The number of results of each kind. A run in which nothing succeeds proves nothing. */
  readonly results = new Map<string, number>();
  /** The names of the mutations that were sent. */
  readonly sent = new Set<string>();
  readonly #links: Delivered[] = [];
  /** The device of each session. */
  readonly #holders = new Map<string, Device>();

  private constructor(api: TestApi, random: Random, people: SignInWorld['people']) {
    this.api = api;
    this.random = random;
    this.people = people;
    this.thief = devicesOf(api);
  }

  /** Creates the accounts. Ada and the administrator have an app already, Bob has none yet. */
  static async create(api: TestApi, random: Random): Promise<SignInWorld> {
    const people = { ada: await signUp(api, 'ada'), bob: await signUp(api, 'bob'), admin: await signUp(api, 'admin') };
    for (const person of [people.ada, people.admin]) {
      const [{ client }] = person.devices;
      person.app = await addApp(api, client);
      const { createRecoveryCodes } = await client.ask(mutations.createCodes);
      person.recoveryCodes = createRecoveryCodes.codes;
    }
    await api.database.user.update({ where: { id: people.admin.id }, data: { role: 'admin' } });
    // The reset of an unproved account removes its factors, and gives it to the reader of the mailbox.
    await api.database.user.updateMany({ data: { emailVerifiedAt: api.clock.now } });
    const world = new SignInWorld(api, random, people);
    for (const { devices } of Object.values(people)) await world.#remember(devices[0]);
    return world;
  }

  /** Returns a person on one of the own devices. */
  actorOf({ name, devices }: Person): Actor {
    return { name, device: this.random.pick(devices) };
  }

  /** Moves the clock, and resets the factors that are due. The rate limits, which other tests are about, start anew. */
  async pass(milliseconds: number): Promise<void> {
    const { clock, database, config } = this.api;
    clock.now = new Date(clock.now.getTime() + milliseconds);
    await database.rateLimit.deleteMany();
    await carryOutFactorResets(database, clock.now, config, async () => true);
    for (const person of Object.values(this.people)) await this.reread(person);
  }

  /** Keeps the recovery codes of an answer, which a person notes. */
  keepRecoveryCodes({ name }: Actor, result: Data): void {
    const person = Object.values(this.people).find((one) => one.name === name);
    if (person && result?.recoveryCodes) person.recoveryCodes = [...result.recoveryCodes];
  }

  /** Sends a mutation, and returns its result, which may be a refusal. Null if the request itself is refused. */
  async send({ name, device }: Actor, query: string, variables: Data = {}, of: Person | null = null): Promise<Data> {
    const { data } = await device.client.send(query, variables);
    const [field = '', result = null] = Object.entries<Data>(data ?? {})[0] ?? [];
    const key = `${name} ${field} ${result?.__typename ?? 'nothing'}`;
    if (field) this.sent.add(field);
    this.results.set(key, (this.results.get(key) ?? 0) + 1);
    if (result?.challenge) this.challenges.push({ secret: result.challenge, by: name, of });
    await this.#keep(device, result);
    return result;
  }

  /** Returns a recent mail to a person, with one of these names and a link. */
  async findLink({ emails }: Person, names: readonly string[]): Promise<Delivered | undefined> {
    this.#links.push(...(await deliverMail(this.api)).filter(({ token }) => token !== null));
    const own = this.#links.filter(({ name, to }) => names.includes(name) && emails.includes(to));
    return own.length === 0 ? undefined : this.random.pick(own.slice(-4));
  }

  /** Reads the id and the address of a person again, after a change of the account. */
  async reread(person: Person, email?: string): Promise<void> {
    const where = email === undefined ? { id: person.id } : { email };
    const user = await this.api.database.user.findUnique({ where });
    if (user === null) return;
    person.id = user.id;
    person.emails = [...person.emails.filter((one) => one !== user.email), user.email];
    const count = await this.api.database.authenticatorApp.count({ where: { userId: user.id } });
    if (count === 0) person.app = null;
  }

  /**
   * Requires of all sessions that are live now: each has the second factor that its user needs, and the thief has none
   * of a user with a second factor.
   */
  async check(step: string): Promise<void> {
    const { database, config, clock } = this.api;
    const live = await database.session.findMany({ where: whereLive(clock.now), include: { user: true } });
    for (const { handle, user, authenticationMethods } of live) {
      if (user === null) continue;
      const what = `${step}: a session of ${user.email} with ${authenticationMethods}`;
      const holder = this.#holders.get(handle);
      if (holder === undefined) throw new Error(`${what} that no device has been given.`);
      if (needsSecondFactor(user, config.secondFactor)) expect(authenticationMethods, what).toMatch(secondFactor);
      const isStolen = this.thief.some(({ client }) => client === holder.client);
      if (isStolen) expect(user.secondFactorSince, `${what} is the thief's`).toBeNull();
    }
  }

  async #keep(device: Device, result: Data): Promise<void> {
    // Payloads without a session have no such field.
    if (result?.antiCSRFToken === undefined) return;
    const { client } = device;
    client.antiCSRFToken = result.antiCSRFToken;
    client.deviceToken = result.deviceToken ?? client.deviceToken;
    // The first step decides the transport, and another device may have sent it.
    client.token = result.token ?? null;
    if (client.token !== null) client.cookie = null;
    await this.#remember(device);
  }

  async #remember(device: Device): Promise<void> {
    const { data } = await device.client.send('{ currentSession { handle } }');
    const handle = data?.currentSession?.handle;
    if (handle) this.#holders.set(handle, device);
  }
}

function devicesOf(api: TestApi): [Device, Device] {
  return [
    { client: api.client(), transport: 'COOKIE' },
    { client: api.client(), transport: 'BEARER' },
  ];
}

async function signUp(api: TestApi, name: string): Promise<Person> {
  const email = `${name}@example.com`;
  const devices = devicesOf(api);
  await devices[0].client.signUp(email);
  const { id } = await api.database.user.findUniqueOrThrow({ where: { email } });
  return {
    name,
    id,
    emails: [email],
    passwords: [password],
    devices,
    app: null,
    recoveryCodes: [],
    authenticator: authenticatorOf(api),
  };
}
