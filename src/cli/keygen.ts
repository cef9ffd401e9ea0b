// chordial keygen: a registrar's key, and what the domain publishes so that others believe it.
import { writeFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { generateKeyPem } from '../record/identity.ts';
import { messageOf } from '../runtime/errors.ts';
import { canonicalDomain } from '../uri/hosts.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printLine } from './output.ts';

const SELECTOR_MAX = 15;

export const keygenCommand: CommandModule = {
  command: 'keygen',
  describe: 'make a key for a registrar: key file, DNS record and trust-file entry',
  builder: (yargs) =>
    yargs
      .option('domain', { type: 'string', demandOption: true, describe: 'the domain the key signs for' })
      .option('selector', { type: 'number', default: 0, describe: `0 to ${SELECTOR_MAX}; one per registrar` })
      .option('out', { type: 'string', describe: 'write the private key here (printed if absent)' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  handler: (argv) => {
    const canonical = canonicalDomain(String(argv['domain']));
    const selector = Number(argv['selector']);
    if (!canonical.ok) throw new CliError(EXIT.usage, `--domain ${argv['domain']}: ${canonical.error}`);
    const domain = canonical.value;
    if (!Number.isInteger(selector) || selector < 0 || selector > SELECTOR_MAX)
      throw new CliError(EXIT.usage, `a selector is a whole number from 0 to ${SELECTOR_MAX}`);
    const { pem, publicKey } = generateKeyPem();
    const out = typeof argv['out'] === 'string' ? argv['out'] : undefined;
    if (out !== undefined) writeNew(out, pem);
    const key = Buffer.from(publicKey).toString('base64');
    const record = { name: `${selector}._lsp.${domain}.`, type: 'TXT', value: `v=LSP1; k=ed25519; p=${key}` };
    if (argv['json'] === true) {
      printJson({
        domain,
        selector,
        publicKey: key,
        dns: record,
        ...(out === undefined ? { pem } : { keyFile: out }),
      });
      return;
    }
    if (out === undefined) printLine(pem.trimEnd());
    else printLine(`The private key is in ${out}; only this registrar needs it (identity.keyFile).`);
    printLine(`
Publish it in the DNS of ${domain}:
  ${record.name}  IN TXT  "${record.value}"

or, where there is no DNS, in the trust file of every member (trust.file):
  ${domain}: { ${selector}: "${key}" }`);
  },
};

/** A key that is overwritten is gone: an existing file is refused. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new CliError(EXIT.failed, `cannot write the key: ${messageOf(error)}`);
  }
}
