// chordial find: which members hold the bindings of a URI; LSP's FIND alone.
import type { CommandModule } from 'yargs';
import type { LocatedPeer } from '../lsp-client-types.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import { withClient, withVia } from './client.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printTable } from './output.ts';

export const peerName = ({ domain, selector, vnode }: LocatedPeer): string =>
  `${domain}/${selector}${vnode === 0 ? '' : `.${vnode}`}`;

/** A member in a JSON document. */
export const peerRow = ({ id, domain, selector, vnode, endpoint }: LocatedPeer) => ({
  id,
  domain,
  selector,
  vnode,
  address: formatEndpoint(endpoint),
});

export const findCommand: CommandModule = {
  command: 'find <uri>',
  describe: 'the members that hold the bindings of a URI, the owner first',
  builder: (yargs) =>
    withVia(yargs.positional('uri', { type: 'string', describe: 'sip:bob@biloxi.example, xmpp:…, h323:…' })),
  handler: (argv) =>
    withClient(argv, undefined, async (client) => {
      const uri = String(argv['uri']);
      const { key, replicas, roundTrips } = await client.find(uri);
      if (replicas.length === 0)
        throw new CliError(EXIT.unreachable, 'no member that was asked knew who holds it');
      if (argv['json'] === true) printJson({ uri, key, roundTrips, replicas: replicas.map(peerRow) });
      else
        printTable(
          ['id', 'member', 'address'],
          replicas.map((peer) => [peer.id.slice(0, 8), peerName(peer), formatEndpoint(peer.endpoint)]),
        );
    }),
};
