// The certificates of the configuration: which there are, and what of them must be given together.
import type { Config } from './config.ts';
import type { Parsed } from './config-schema.ts';

/** A certificate and its key: two files that are read, and exchanged, together. */
export interface CertificateFiles {
  /** Where in the configuration it stands. */
  readonly path: string;
  /** The domain it is for; undefined for everybody who asks for none that has one of its own. */
  readonly domain: string | undefined;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The common one first, if there is one. */
export const certificatesOf = ({
  sip,
  domains,
}: Pick<Config, 'sip' | 'domains'>): readonly CertificateFiles[] => [
  ...(sip.tls.certFile === ''
    ? []
    : [{ path: 'sip.tls', domain: undefined, certFile: sip.tls.certFile, keyFile: sip.tls.keyFile }]),
  ...Object.entries(domains).flatMap(([domain, { tls }]) =>
    tls === undefined ? [] : [{ path: `domains.${domain}.tls`, domain, ...tls }],
  ),
];

export function tlsRelations({ sip, domains }: Parsed): string[] {
  const problems: string[] = [];
  const { certFile, keyFile } = sip.tls;
  if (certFile !== '' && keyFile === '')
    problems.push('sip.tls.keyFile: a certificate is of no use without its key');
  if (certFile === '' && keyFile !== '')
    problems.push('sip.tls.certFile: a key is of no use without its certificate');
  const listens = sip.listen.find(({ transport }) => transport === 'tls' || transport === 'wss');
  // A phone that names no domain (no SNI) must get some certificate too.
  if (listens !== undefined && certFile === '' && keyFile === '')
    problems.push(
      `sip.tls.certFile: sip.listen has ${listens.transport}, which needs a certificate and its key (sip.tls.keyFile)`,
    );
  for (const [name, { tls }] of Object.entries(domains))
    if (tls !== undefined && listens === undefined)
      problems.push(`domains.${name}.tls: nothing in sip.listen is tls or wss`);
  return problems;
}
