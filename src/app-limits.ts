// The limits in force, which SIGHUP replaces while everybody who is bound by them goes on.
import type { BanOptions } from './auth/ban-list.ts';
import type { Config } from './config.ts';
import { createAddressRanges } from './runtime/address-ranges.ts';
import { createScannerNames } from './sip/scanner-names.ts';
import type { SipLimits } from './sip/server.ts';

type Limits = Config['limits'];

/** An office behind one NAT, each phone with a connection or two. */
const CONNECTIONS_PER_SOURCE_MAX = 500;

const scannersOf = ({ dropScanners, scanners }: Limits): ((userAgent: string) => boolean) =>
  createScannerNames(dropScanners ? scanners : []);

/** Hands out objects and functions that always say what is in force now. */
export class LiveLimits {
  #now: Limits;
  #isTrusted: (host: string) => boolean;
  #isScanner: (userAgent: string) => boolean;

  constructor(limits: Limits) {
    this.#now = limits;
    this.#isTrusted = createAddressRanges(limits.trusted);
    this.#isScanner = scannersOf(limits);
  }

  replace(limits: Limits): void {
    this.#now = limits;
    this.#isTrusted = createAddressRanges(limits.trusted);
    this.#isScanner = scannersOf(limits);
  }

  readonly isTrusted = (host: string): boolean => this.#isTrusted(host);

  readonly isScanner = (userAgent: string): boolean => this.#isScanner(userAgent);

  get sip(): SipLimits {
    const now = (): Limits => this.#now;
    return {
      get perSourcePerSec() {
        return now().perSourcePerSec;
      },
      get messageBytesMax() {
        return now().maxMessageBytes;
      },
      get connectionsMax() {
        return now().maxConnections;
      },
      get connectionsPerSourceMax() {
        return Math.min(CONNECTIONS_PER_SOURCE_MAX, now().maxConnections);
      },
      get idleMs() {
        return now().idleSec * 1000;
      },
    };
  }

  get bans(): BanOptions {
    const now = (): Limits => this.#now;
    return {
      isTrusted: this.isTrusted,
      get banSec() {
        return now().banSec;
      },
    };
  }
}
