// What the keys of the configuration must be to each other, each problem as a sentence with the key's path in front.
import { formatListener, formatPlace } from './config-address.ts';
import { domainRelations } from './config-domain-relations.ts';
import { loopbackSip } from './config-loopback.ts';
import type { Parsed } from './config-schema.ts';
import { tlsRelations } from './config-tls.ts';
import { vnodesMax } from './dht/index.ts';
import { isIpLiteral, isLoopback, isWildcard } from './uri/hosts.ts';

/** A name may have addresses of both families; a literal has one. */
const otherFamily = (host: string, bound: string): boolean =>
  isIpLiteral(host) && host.includes(':') !== bound.includes(':');

interface Socket {
  readonly path: string;
  readonly net: string;
  readonly host: string;
  readonly port: number;
}

/** Two listeners that no machine gives the same address and port. */
function sharedSockets({ sip, overlay, admin, publication }: Parsed): string[] {
  const sockets: readonly Socket[] = [
    ...sip.listen.map(({ transport, host, port }) => ({
      path: 'sip.listen',
      net: transport === 'udp' ? 'udp' : 'tcp',
      host,
      port,
    })),
    ...(publication === 'local' ? [] : [{ path: 'overlay.listen', net: 'udp', ...overlay.listen }]),
    { path: 'admin.listen', net: 'tcp', ...admin.listen },
  ];
  const clash = (a: Socket, b: Socket): boolean =>
    a.net === b.net &&
    a.port === b.port &&
    a.port !== 0 &&
    (a.host === b.host ||
      ((isWildcard(a.host) || isWildcard(b.host)) && a.host.includes(':') === b.host.includes(':')));
  return sockets.flatMap((one, index) => {
    const taken = sockets.slice(0, index).find((other) => clash(other, one));
    return taken === undefined
      ? []
      : [`${one.path}: ${one.net} ${formatPlace(one)} is taken by ${taken.path} ${formatPlace(taken)}`];
  });
}

/** Relations between keys, each problem as a sentence with the key's path in front. */
export function relations(parsed: Parsed, mode: 'digest' | 'none'): string[] {
  const problems: string[] = [];
  const say = (path: string, text: string): void => void problems.push(`${path}: ${text}`);
  const { sip, overlay, publication } = parsed;
  const ring = publication !== 'local';
  for (const one of sip.listen)
    if (isWildcard(one.host) && one.advertised === undefined && sip.advertise === '')
      say(
        'sip.advertise',
        `${formatListener(one)} listens on every address; say the host that phones and other servers reach it at`,
      );
    else if (isWildcard(one.host) && one.advertised === undefined && otherFamily(sip.advertise, one.host))
      say(
        'sip.advertise',
        `is no address that leads to ${formatListener(one)}; give that one its own (=host:port)`,
      );
  if (sip.invite !== 'redirect') say('sip.invite', `"${sip.invite}" is not in this version, which redirects`);
  problems.push(...tlsRelations(parsed));
  if (mode === 'none' && !loopbackSip(parsed) && !sip.auth.allowOpen)
    say(
      'sip.auth.mode',
      'none lets anybody register as anybody; on a listener beyond loopback it needs sip.auth.allowOpen: true',
    );
  problems.push(...domainRelations(parsed, mode), ...sharedSockets(parsed));
  if (overlay.successors < overlay.replicas)
    say('overlay.successors', `must be at least overlay.replicas (${overlay.replicas})`);
  const vnodes = vnodesMax(overlay.replicas);
  if (overlay.vnodes > vnodes)
    say('overlay.vnodes', `must be at most ${vnodes} with overlay.replicas ${overlay.replicas}`);
  if (ring && isWildcard(overlay.listen.host) && overlay.advertise === undefined && overlay.role === 'member')
    say(
      'overlay.advertise',
      `${overlay.listen.host} is every address; say the one that other members reach this node at`,
    );
  if (ring && overlay.advertise !== undefined && otherFamily(overlay.advertise.host, overlay.listen.host))
    say('overlay.advertise', 'is of another address family than overlay.listen');
  if (ring && overlay.role === 'client' && overlay.seeds.length === 0)
    say('overlay.seeds', 'a client of the ring needs at least one member to ask');
  if (!isLoopback(parsed.admin.listen.host) && parsed.admin.tokenFile === '')
    say(
      'admin.tokenFile',
      `admin listens on ${parsed.admin.listen.host}, beyond loopback: /api needs a token there`,
    );
  return problems;
}
