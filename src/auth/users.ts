// The users a registrar knows, by realm and the spelling of the name that a phone sends.
import type { DigestAlgorithm } from './digest.ts';
import type { UserLine } from './user-file.ts';

export interface KnownUser {
  /** The user part of the AOR that these credentials are for, as names have it (src/uri/name.ts). */
  readonly user: string;
  readonly ha1: (algorithm: DigestAlgorithm) => string | undefined;
}

/** The user table as the authenticator sees it. */
export interface Users {
  find(username: string, realm: string): KnownUser | undefined;
}

/** Names of a file and of a URI are Unicode, names in credentials are UTF-8 bytes read as latin1: both find the user. */
const wireText = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/**
 * The user that a spelling of the name means. sipsak sends `alice@`, others `alice@example.com`, and each hashes into the
 * HA1 what it sends: such a phone needs a line of its own in the user file, and that line stands for `alice`.
 */
export function userOf(username: string, realm: string): string {
  const at = username.lastIndexOf('@');
  if (at <= 0) return username;
  const domain = username.slice(at + 1).toLowerCase();
  return domain === '' || domain === realm.toLowerCase() ? username.slice(0, at) : username;
}

/** Every user there is, by the AOR's user rather than by what a phone spells in its credentials. */
const aorKeyOf = (user: string, realm: string): string => `${realm.toLowerCase()}:${user}`;
const keyOf = (username: string, realm: string): string => `${realm.toLowerCase()}:${username}`;

export class UserTable implements Users {
  // BOUNDED: by the lines of the user file (user-file.ts, LINES_MAX); replaced whole.
  #users = new Map<string, { user: string; hashes: Map<DigestAlgorithm, string> }>();

  // BOUNDED: by the lines of the user file.
  #names: ReadonlySet<string> = new Set();
  #size = 0;

  constructor(lines: readonly UserLine[] = []) {
    this.replace(lines);
  }

  /** Distinct names and realms. */
  get size(): number {
    return this.#size;
  }

  /** Takes over a newly read file at once: a request sees the old table or the new one, never a mixture. */
  replace(lines: readonly UserLine[]): void {
    // BOUNDED: by the lines of the user file.
    const next = new Map<string, { user: string; hashes: Map<DigestAlgorithm, string> }>();
    let size = 0;
    for (const line of lines) {
      const key = keyOf(line.user, line.realm);
      let known = next.get(key);
      if (known === undefined) {
        size += 1;
        known = { user: userOf(line.user, line.realm), hashes: new Map() };
        next.set(key, known);
        next.set(keyOf(wireText(line.user), line.realm), known);
      }
      known.hashes.set(line.algorithm, line.ha1);
    }
    this.#users = next;
    this.#names = new Set(lines.map(({ user, realm }) => aorKeyOf(userOf(user, realm), realm)));
    this.#size = size;
  }

  /** Is there such a user? `user` as names have it. */
  has({ user, domain }: { readonly user: string; readonly domain: string }): boolean {
    return this.#names.has(aorKeyOf(user, domain));
  }

  find(username: string, realm: string): KnownUser | undefined {
    const known = this.#users.get(keyOf(username, realm));
    if (known === undefined) return undefined;
    return { user: known.user, ha1: (algorithm) => known.hashes.get(algorithm) };
  }
}
