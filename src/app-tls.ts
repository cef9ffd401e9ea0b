// The certificates in force while the server runs: exchanged when their files change or SIGHUP says so, watched for their end.
import type { Config } from './config.ts';
import { certificatesOf } from './config-tls.ts';
import { type LoadedTls, loadCertificate, loadRoots } from './config-tls-files.ts';
import { CertificateStore, COMMON } from './runtime/certificate-store.ts';
import type { Clock, Timer } from './runtime/clock.ts';
import type { Background } from './runtime/lifecycle.ts';
import type { Log } from './runtime/log.ts';
import type { Metrics } from './runtime/metrics.ts';
import type { Random } from './runtime/random.ts';
import { fileFingerprint, WatchedFiles } from './runtime/watched-files.ts';

export interface LiveTlsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly background: Background;
}

const DAY_MS = 86_400_000;
/** Certbot renews 30 days before the end and tries twice a day: at 14 something is wrong. */
const WARN_DAYS = 14;

export class LiveTls {
  readonly identity = new CertificateStore();
  readonly trust = { ca: (): string | undefined => this.#ca };
  readonly #deps: LiveTlsDeps;
  readonly #files: WatchedFiles;
  #config: Config;
  #ca: string | undefined;
  #daily: Timer | undefined;

  /** `loaded`: what was read at start, to begin with. */
  constructor(deps: LiveTlsDeps, config: Config, loaded: LoadedTls) {
    this.#deps = deps;
    this.#config = config;
    this.#ca = loaded.ca;
    for (const { files, certificate } of loaded.certificates) this.identity.put(files.domain, certificate);
    // Certificate and key are two files: what is seen while they are being exchanged is read only once it stands still.
    this.#files = new WatchedFiles(
      { ...deps, fingerprint: fileFingerprint },
      {
        paths: () => {
          const { caFile } = this.#config.sip.tls;
          const pairs = certificatesOf(this.#config).flatMap(({ certFile, keyFile }) => [certFile, keyFile]);
          return caFile === '' ? pairs : [...pairs, caFile];
        },
        onChange: async () => this.#take(),
      },
    );
    deps.metrics.gauges(
      'chordial_tls_certificate_not_after_seconds',
      'When each TLS certificate ends (Unix time)',
      () => [...this.identity.all].map(([domain, { notAfterMs }]) => [{ domain }, notAfterMs / 1000]),
    );
  }

  start(): Promise<void> {
    this.#warnDaily();
    return this.#files.start();
  }

  stop(): Promise<void> {
    this.#daily?.cancel();
    return this.#files.stop();
  }

  /** SIGHUP: the files that `next` names, whether they changed or not. */
  reload(next: Config): void {
    this.#config = next;
    this.identity.keep(certificatesOf(next).map(({ domain }) => domain));
    this.#take();
  }

  /** What is of no use leaves in force what was before; nothing that is open notices any of it. */
  #take(): void {
    const { log } = this.#deps;
    for (const files of certificatesOf(this.#config)) {
      const read = loadCertificate(files);
      if (!read.ok) {
        log.error(
          { problem: read.error },
          'the certificate was not taken over; the one before stays in force',
        );
        continue;
      }
      const domain = files.domain ?? COMMON;
      const { fingerprint, notAfterMs, filesHash } = read.value;
      // The same again would only make clients forget that they have been here (session tickets). The same certificate with
      // another behind it is not the same: the one that vouches for it is what is forgotten most often.
      if (filesHash === this.identity.all.get(domain)?.filesHash) continue;
      this.identity.put(files.domain, read.value);
      const notAfter = new Date(notAfterMs).toISOString();
      log.info({ domain, fingerprint, notAfter }, 'a new certificate is in force');
    }
    const roots = loadRoots(this.#config.sip.tls.caFile);
    if (roots.ok) this.#ca = roots.value;
    else log.error({ problem: roots.error }, 'sip.tls.caFile was not taken over; those before are trusted');
  }

  #warnDaily(): void {
    const { clock, log } = this.#deps;
    const nowMs = clock.wallMs();
    for (const [domain, { notBeforeMs, notAfterMs }] of this.identity.all) {
      const [notBefore, notAfter] = [notBeforeMs, notAfterMs].map((ms) => new Date(ms).toISOString());
      if (notAfterMs <= nowMs) log.error({ domain, notAfter }, 'the certificate has ended: phones refuse it');
      else if (notBeforeMs > nowMs)
        log.error({ domain, notBefore }, 'the certificate has not begun: phones refuse it');
      else if (notAfterMs - nowMs < WARN_DAYS * DAY_MS)
        log.warn({ domain, notAfter }, 'the certificate ends soon and was not renewed');
    }
    this.#daily = clock.setTimer(DAY_MS, () => this.#warnDaily());
  }
}
