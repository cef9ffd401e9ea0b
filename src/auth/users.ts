// The users a registrar knows: whose credentials are whose, and who is meant by a name; each realm for itself.
import { atOnce } from '../runtime/in-turns.ts';
import type { LocationName } from '../uri/types.ts';
import type { DigestAlgorithm } from './digest.ts';
import { type UserLine, userOf } from './user-line.ts';

export interface KnownUser {
  /** The user parts of the AORs that these credentials are for, as names have them (src/uri/name.ts). */
  readonly users: readonly string[];
  readonly ha1: (algorithm: DigestAlgorithm) => string | undefined;
}

/** The user table as the authenticator sees it. */
export interface Users {
  find(username: string, realm: string): KnownUser | undefined;
}

/**
 * Names of a file and of a URI are Unicode, names in credentials are UTF-8 bytes read as latin1. Accounts have the latter
 * alone: were they found by both, `Ã©` and `é`, whose bytes read like it, would share one account.
 */
const wireText = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

interface Account {
  readonly users: readonly string[];
  /** By algorithm; one or two of them. */
  readonly hashes: { [algorithm in DigestAlgorithm]?: string };
}

/** One domain's users. BOUNDED: all by the lines of the user file (user-file.ts, LINES_MAX); replaced whole. */
interface Realm {
  /** By the name in credentials, as it is on the wire. */
  readonly accounts: Map<string, Account>;
  readonly users: Set<string>;
  readonly aliases: Map<string, string>;
  /** Authentication name → the users it is for. */
  readonly logins: Map<string, string[]>;
}

export type Realms = ReadonlyMap<string, Realm>;

/** Lines between two places where whoever builds may be left alone for a while. */
const STEP_LINES = 500;

/** A table of these lines, in steps. */
export function* userRealms(lines: readonly UserLine[]): Generator<undefined, Realms> {
  // BOUNDED: by the lines.
  const realms = new Map<string, Realm>();
  const realmOf = (name: string): Realm => {
    let realm = realms.get(name);
    if (realm === undefined) {
      realm = { accounts: new Map(), users: new Set(), aliases: new Map(), logins: new Map() };
      realms.set(name, realm);
    }
    return realm;
  };
  // Whose a password is depends on what may stand behind it in the file.
  for (const [index, line] of lines.entries()) {
    if (index % STEP_LINES === 0) yield;
    if (line.kind === 'password') continue;
    const { aliases, logins, users } = realmOf(line.realm);
    if (line.kind === 'alias') aliases.set(line.user, line.of);
    else {
      logins.set(line.user, [...(logins.get(line.user) ?? []), line.of]);
      users.add(line.of);
    }
  }
  for (const [index, line] of lines.entries()) {
    if (index % STEP_LINES === 0) yield;
    if (line.kind !== 'password') continue;
    const realm = realmOf(line.realm);
    const sent = wireText(line.user);
    let account = realm.accounts.get(sent);
    if (account === undefined) {
      account = { users: usersOf(line.user, line.realm, realm), hashes: {} };
      for (const user of account.users) realm.users.add(user);
      realm.accounts.set(sent, account);
    }
    account.hashes[line.algorithm] = line.ha1;
  }
  return realms;
}

const usersOf = (username: string, domain: string, { aliases, logins }: Realm): readonly string[] => {
  const plain = userOf(username, domain);
  return logins.get(username) ?? logins.get(plain) ?? [aliases.get(plain) ?? plain];
};

export class UserTable implements Users {
  #realms: Realms;

  constructor(lines: readonly UserLine[] = []) {
    this.#realms = atOnce(userRealms(lines));
  }

  /** Users of all domains. */
  get size(): number {
    let size = 0;
    for (const { users } of this.#realms.values()) size += users.size;
    return size;
  }

  /** Takes over a newly read file at once: a request sees the old table or the new one, never a mixture. */
  replace(realms: Realms): void {
    this.#realms = realms;
  }

  /** The user that this name means, an alias resolved; undefined if there is none. `user` as names have it. */
  userFor(name: LocationName): LocationName | undefined {
    const realm = this.#realms.get(name.domain);
    const user = realm?.aliases.get(name.user) ?? name.user;
    if (realm?.users.has(user) !== true) return undefined;
    return user === name.user ? name : { ...name, user };
  }

  find(username: string, realm: string): KnownUser | undefined {
    const known = this.#realms.get(realm.toLowerCase())?.accounts.get(username);
    if (known === undefined) return undefined;
    return {
      users: known.users,
      ha1: (algorithm) => known.hashes[algorithm],
    };
  }
}
