// What a person does next, printed once the server runs.
import type { AppAddresses } from '../app.ts';
import { type Config, isLoopbackOnly } from '../config.ts';

const SYMBOL = '\u260e';

export function whatNext(config: Config, addresses: AppAddresses, madeKey: boolean): string {
  const domain = config.domain[0] ?? 'localhost';
  const phone = addresses.sip[0] ?? '';
  const lines = [
    '',
    `  ${SYMBOL}  chordial is the registrar of ${config.domain.join(', ')}   (${config.publication}${config.publication === 'local' ? '' : `, overlay ${config.overlay.id}`})`,
    '',
    `  Point a phone at it    registrar ${phone.replace(/^(udp|tcp):/, '')}, user NAME@${domain}${config.sip.auth.mode === 'none' ? ', any password' : ''}`,
    `  Look someone up        chordial lookup sip:NAME@${domain}${addresses.overlay === undefined ? '' : ` --via ${addresses.overlay}`}`,
    `  Status page            http://${addresses.admin}/`,
  ];
  if (addresses.overlay !== undefined)
    lines.push(`  Join from another      chordial serve --overlay.seeds ${addresses.overlay} …`);
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
