// Who we are, for all rooms that ask: as configured at first, and as bound once the sockets are open.
import type { Config } from './config.ts';
import { aliasesOf } from './config-of-domain.ts';
import { sipLocationName } from './uri/name.ts';
import { parseSipUri } from './uri/parse.ts';
import { createSelf, ownDomain, type Self, type SelfOptions } from './uri/self.ts';
import type { LocationName } from './uri/types.ts';

export class LiveSelf {
  readonly #config: Config;
  readonly #localAddresses: () => readonly string[];
  #now: Self;

  constructor(config: Config, listeners: SelfOptions['listeners'], localAddresses: () => readonly string[]) {
    this.#config = config;
    this.#localAddresses = localAddresses;
    this.#now = this.#at(listeners);
  }

  #at(listeners: SelfOptions['listeners']): Self {
    return createSelf({
      domains: this.#config.domain,
      aliases: this.#config.aliases,
      aliasesOf: aliasesOf(this.#config),
      listeners,
      localAddresses: this.#localAddresses(),
    });
  }

  /** Before the sockets are bound a port 0 is not known: it is said again once it is. */
  bound(listeners: SelfOptions['listeners']): void {
    this.#now = this.#at(listeners);
  }

  get now(): Self {
    return this.#now;
  }

  /** Does a request to this URI come to us? */
  isOurs(uri: string): boolean {
    const parsed = parseSipUri(uri);
    return parsed.ok && ownDomain(parsed.value, this.#now) !== undefined;
  }

  /** Does it mean this server, and nobody behind it? */
  isServer(uri: string): boolean {
    const parsed = parseSipUri(uri);
    return parsed.ok && parsed.value.user === undefined && ownDomain(parsed.value, this.#now) !== undefined;
  }

  /** Whom a URI names, the names and addresses of ours resolved to their domain. */
  nameIn(uri: string): LocationName | undefined {
    const parsed = parseSipUri(uri);
    if (!parsed.ok) return undefined;
    const name = sipLocationName({
      ...parsed.value,
      host: ownDomain(parsed.value, this.#now) ?? parsed.value.host,
    });
    return name.ok ? name.value : undefined;
  }
}
