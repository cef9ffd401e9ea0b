// chordial publish and withdraw: bindings of a URI, published as a client (pure P2P, other protocols, gateways).
import type { Argv, CommandModule } from 'yargs';
import type { PublishResult } from '../location/types.ts';
import { locationName } from '../uri/name.ts';
import { readKey, withClient, withVia } from './client.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printBindings } from './lookup.ts';

const EXPIRES_SEC = 3600;

/** What the ring says about a key, for whoever holds it. */
const REFUSALS: Readonly<Record<string, string>> = {
  ERR_ENTRY_SIGNER_UNKNOWN:
    'nobody vouches for a key of this domain under this selector (its DNS record, or the trust files of the members)',
  ERR_ENTRY_SIGNATURE: 'this is not the key that the domain publishes under this selector',
};

function refusalText(reason: string): string {
  const words = REFUSALS[/ERR_[A-Z_]+/.exec(reason)?.[0] ?? ''];
  return words === undefined ? `refused: ${reason}` : `refused: ${words}`;
}

const withKey = (yargs: Argv): Argv =>
  withVia(yargs)
    .option('key', {
      type: 'string',
      requiresArg: true,
      describe: 'the private key that signs (default: identity.keyFile)',
    })
    .option('selector', {
      type: 'number',
      requiresArg: true,
      describe: 'the key’s selector in its domain (default: identity.selector)',
    });

/** A URI is published under the key of its own domain. */
function domainOf(uri: string): string {
  const name = locationName(uri);
  if (!name.ok) throw new CliError(EXIT.usage, `${uri}: ${name.error}`);
  return name.value.domain;
}

function show(uri: string, result: PublishResult, json: boolean): void {
  switch (result.kind) {
    case 'stored':
      printBindings(uri, result.bindings, json);
      return;
    case 'stale':
      throw new CliError(EXIT.refused, 'refused: a later publication of this URI came before');
    case 'refused':
      throw new CliError(EXIT.refused, refusalText(result.reason));
    case 'unavailable':
      throw new CliError(EXIT.unreachable, `the overlay could not take it: ${result.reason}`);
  }
}

export const publishCommand: CommandModule = {
  command: 'publish <uri> <contact>',
  describe: 'publish a contact under a URI',
  builder: (yargs) =>
    withKey(yargs)
      .positional('uri', { type: 'string', describe: 'sip:bob@biloxi.example, xmpp:…, h323:…' })
      .positional('contact', { type: 'string', describe: 'where the URI is reached: sip:bob@192.0.2.4:5060' })
      .option('expires', {
        type: 'number',
        requiresArg: true,
        default: EXPIRES_SEC,
        describe: `seconds, 1 to ${EXPIRES_SEC}`,
      })
      .option('q', { type: 'number', requiresArg: true, describe: 'preference, 0 to 1' }),
  handler: (argv) => {
    const uri = String(argv['uri']);
    const expiresSec = Number(argv['expires']);
    const q = typeof argv['q'] === 'number' ? argv['q'] : undefined;
    return withClient(argv, readKey(argv, domainOf(uri)), async (client) => {
      const contact = String(argv['contact']);
      const result = await client.publish(uri, { contact, expiresSec, ...(q === undefined ? {} : { q }) });
      show(uri, result, argv['json'] === true);
    });
  },
};

export const withdrawCommand: CommandModule = {
  command: 'withdraw <uri> [contact]',
  describe: 'remove a contact of a URI, or all of them',
  builder: (yargs) =>
    withKey(yargs)
      .positional('uri', { type: 'string', describe: 'the URI it was published under' })
      .positional('contact', { type: 'string', describe: 'one contact; all if absent' }),
  handler: (argv) => {
    const uri = String(argv['uri']);
    return withClient(argv, readKey(argv, domainOf(uri)), async (client) => {
      const contact = typeof argv['contact'] === 'string' ? argv['contact'] : undefined;
      show(uri, await client.withdraw(uri, contact), argv['json'] === true);
    });
  },
};
