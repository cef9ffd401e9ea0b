// What "not found" means to a person: nothing is there, or it is there and nobody vouches for who signed it.
import type { Config } from '../config.ts';
import type { QueryResult } from '../location/types.ts';
import { locationName } from '../uri/name.ts';
import { CliError, EXIT } from './exit-code.ts';

/** The error that a command ends with, and in the second case where keys were looked for. */
export const notFound = (
  uri: string,
  { unvouched = 0 }: Extract<QueryResult, { readonly kind: 'none' }>,
  { dns, file }: Config['trust'],
): CliError => {
  if (unvouched === 0) return new CliError(EXIT.notFound, `nobody is registered as ${uri}`);
  const name = locationName(uri);
  const domain = name.ok ? name.value.domain : uri;
  const there = unvouched === 1 ? '1 binding is' : `${unvouched} bindings are`;
  const where = [
    dns ? `DNS has no key of theirs at SELECTOR._lsp.${domain}` : 'DNS is not asked (trust.dns)',
    file === '' ? 'no trust file (trust.file)' : `${file} has none`,
  ];
  return new CliError(
    EXIT.notFound,
    `no contact of ${uri} can be trusted: ${there} there, but nobody vouches for their signers: ${where.join(', ')}`,
  );
};
