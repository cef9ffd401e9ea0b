// What a person does next, printed once the server runs.
import type { AppAddresses } from '../app.ts';
import { type Config, isLoopbackOnly } from '../config.ts';
import { formatEndpoint } from '../runtime/datagram.ts';

const SYMBOL = '\u260e';

/** A wildcard address is of no use to others: the same port at the host that is advertised. */
function reachable(
  bound: string,
  advertise: { readonly host: string; readonly port?: number | undefined },
): string {
  const port = advertise.port ?? Number(bound.slice(bound.lastIndexOf(':') + 1));
  return advertise.host === '' ? bound : formatEndpoint({ host: advertise.host, port });
}

export function whatNext(config: Config, addresses: AppAddresses, madeKey: boolean): string {
  const domain = config.domain[0] ?? 'localhost';
  const { sip, overlay } = config;
  const phone = reachable(
    (addresses.sip[0] ?? '').replace(/^(udp|tcp):/, ''),
    sip.listen[0]?.advertised ?? { host: sip.advertise },
  );
  // A client of the ring answers nobody.
  const member =
    addresses.overlay === undefined || overlay.role === 'client'
      ? undefined
      : reachable(addresses.overlay, overlay.advertise ?? { host: '' });
  const seed = overlay.seeds[0];
  const via = member ?? (addresses.overlay === undefined || !seed ? undefined : formatEndpoint(seed));
  const lines = [
    '',
    `  ${SYMBOL}  chordial is the registrar of ${config.domain.join(', ')}   (${config.publication}${config.publication === 'local' ? '' : `, overlay ${config.overlay.id}`})`,
    '',
    `  Point a phone at it    registrar ${phone}, user NAME@${domain}${config.sip.auth.mode === 'none' ? ', any password' : ''}`,
    `  Look someone up        chordial lookup sip:NAME@${domain}${via === undefined ? '' : ` --via ${via}`}`,
    `  Status page            http://${addresses.admin}/`,
  ];
  if (member !== undefined) lines.push(`  Join from another      chordial serve --overlay.seeds ${member} …`);
  if (config.sip.auth.mode === 'none')
    lines.push(
      '',
      '  No passwords are asked for: everybody who reaches these addresses can register as anybody.',
    );
  if (madeKey)
    lines.push('  No key is configured: one was made for this run (chordial keygen makes one to keep).');
  if (isLoopbackOnly(config))
    lines.push(
      '  It listens on this machine only. config/ has an example for an office, a public domain and more.',
    );
  return `${lines.join('\n')}\n\n`;
}
