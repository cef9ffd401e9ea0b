// What a person does next, printed once the server runs.
import type { AppAddresses } from '../app.ts';
import type { Config } from '../config.ts';
import { isLoopbackOnly } from '../config-loopback.ts';
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

interface Place {
  readonly transport: string;
  readonly place: string;
}

/** Where phones reach each listener; those of one transport stand in the order of the configuration. */
function placesOf({ sip }: Config, addresses: AppAddresses): readonly Place[] {
  // BOUNDED: by the transports.
  const seen = new Map<string, number>();
  return addresses.sip.map((text) => {
    const transport = text.slice(0, text.indexOf(':'));
    const index = seen.get(transport) ?? 0;
    seen.set(transport, index + 1);
    const { advertised } = sip.listen.filter((one) => one.transport === transport)[index] ?? {};
    return {
      transport,
      place: reachable(text.slice(transport.length + 1), advertised ?? { host: sip.advertise }),
    };
  });
}

export function whatNext(config: Config, addresses: AppAddresses, madeKey: boolean): string {
  const domain = config.domain[0] ?? 'localhost';
  const { sip, overlay } = config;
  const listeners = placesOf(config, addresses);
  const phone = listeners.find(({ transport }) => transport !== 'ws' && transport !== 'wss');
  const tls = listeners.find((one) => one.transport === 'tls' && one !== phone);
  const browser = listeners.find(({ transport }) => transport === 'ws' || transport === 'wss');
  const password = sip.auth.mode === 'none' ? ', any password' : '';
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
    ...(phone === undefined
      ? []
      : [
          `  Point a phone at it    registrar ${phone.place}${phone.transport === 'udp' ? '' : ` over ${phone.transport.toUpperCase()}`}, user NAME@${domain}${password}`,
        ]),
    ...(tls === undefined ? [] : [`  … over TLS             ${tls.place}`]),
    ...(browser === undefined
      ? []
      : [`  Phones in a browser    ${browser.transport}://${browser.place}, user NAME@${domain}${password}`]),
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
