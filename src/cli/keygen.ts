// chordial keygen: a registrar's key, and what the domain publishes so that others believe it.
import { readFileSync, writeFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { generateKeyPem, identityFromPem } from '../record/identity.ts';
import { selfCertifyingDomain } from '../record/self-certifying.ts';
import { messageOf } from '../runtime/errors.ts';
import { canonicalDomain } from '../uri/hosts.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printLine, printText } from './output.ts';

const SELECTOR_MAX = 15;

type Flags = Readonly<Record<string, unknown>>;

export const keygenCommand: CommandModule = {
  command: 'keygen',
  describe: 'make a key for a registrar: key file, DNS record and trust-file entry',
  builder: (yargs) =>
    yargs
      .option('domain', { type: 'string', requiresArg: true, describe: 'the domain the key signs for' })
      // No default: yargs would take one for a given flag, and refuse every --domain.
      .option('self-certifying', {
        type: 'boolean',
        describe: 'the key itself is the domain: no DNS and no trust file vouch for it',
      })
      .option('selector', {
        type: 'number',
        requiresArg: true,
        default: 0,
        describe: `0 to ${SELECTOR_MAX}; one per registrar`,
      })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'write the private key here (printed if absent)',
      })
      .option('key', {
        type: 'string',
        requiresArg: true,
        describe: 'make none: tell what to publish for the key in this file',
      })
      .conflicts('domain', 'self-certifying')
      .conflicts('out', 'key')
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  handler: (argv) => {
    const selector = Number(argv['selector']);
    if (!Number.isInteger(selector) || selector < 0 || selector > SELECTOR_MAX)
      throw new CliError(EXIT.usage, `a selector is a whole number from 0 to ${SELECTOR_MAX}`);
    const named = givenDomain(argv);
    const { pem, publicKey } =
      typeof argv['key'] === 'string' ? { pem: undefined, publicKey: keyIn(argv['key']) } : generateKeyPem();
    const domain = named ?? selfCertifyingDomain(publicKey);
    const out = typeof argv['out'] === 'string' ? argv['out'] : undefined;
    if (out !== undefined && pem !== undefined) writeNew(out, pem);
    const key = Buffer.from(publicKey).toString('base64');
    const record = { name: `${selector}._lsp.${domain}.`, type: 'TXT', value: `v=LSP1; k=ed25519; p=${key}` };
    if (argv['json'] === true) {
      printJson({
        domain,
        selector,
        publicKey: key,
        ...(named === undefined ? {} : { dns: record }),
        ...(out !== undefined ? { keyFile: out } : pem !== undefined ? { pem } : {}),
      });
      return;
    }
    if (out !== undefined)
      printLine(`The private key is in ${out}; only this registrar needs it (identity.keyFile).`);
    else if (pem !== undefined) printText(pem.trimEnd());
    printText(
      named === undefined
        ? `
The domain is the key, and needs nobody to vouch for it (domain):
  ${domain}`
        : `
Publish it in the DNS of ${domain}:
  ${record.name}  IN TXT  "${record.value}"

or, where there is no DNS, in the trust file of every member (trust.file):
  ${domain}: { ${selector}: "${key}" }`,
    );
  },
};

/** Undefined: the key will be the domain. */
function givenDomain(argv: Flags): string | undefined {
  if (argv['self-certifying'] === true) return undefined;
  if (typeof argv['domain'] !== 'string')
    throw new CliError(EXIT.usage, 'whose key? --domain DOMAIN, or --self-certifying');
  const canonical = canonicalDomain(argv['domain']);
  if (!canonical.ok) throw new CliError(EXIT.usage, `--domain ${argv['domain']}: ${canonical.error}`);
  return canonical.value;
}

/** The public half of a key that was made before. */
function keyIn(path: string): Uint8Array {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(EXIT.usage, `cannot read the key: ${messageOf(error)}`);
  }
  const identity = identityFromPem(pem, { domain: '', selector: 0 });
  if (!identity.ok) throw new CliError(EXIT.usage, `${path}: ${identity.error}`);
  return identity.value.publicKey;
}

/** A key that is overwritten is gone: an existing file is refused. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new CliError(EXIT.failed, `cannot write the key: ${messageOf(error)}`);
  }
}
