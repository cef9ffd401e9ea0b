// DNS for the test's domains: where their SIP servers are (RFC 3263) and which key signs for them (the _lsp records).
import type { Domain } from './domains.ts';
import { NAME_SERVER, type Place } from './place.ts';
import { type Program, requirePrograms } from './program.ts';

const recordsOf = ({ name, address, publicKey }: Domain): string[] => [
  `--naptr-record=${name},10,10,s,SIP+D2U,,_sip._udp.${name}`,
  `--naptr-record=${name},20,10,s,SIP+D2T,,_sip._tcp.${name}`,
  `--naptr-record=${name},30,10,s,SIPS+D2T,,_sips._tcp.${name}`,
  `--srv-host=_sips._tcp.${name},sip.${name},5061,10,10`,
  `--srv-host=_sip._udp.${name},sip.${name},5060,10,10`,
  `--srv-host=_sip._tcp.${name},sip.${name},5060,10,10`,
  `--host-record=sip.${name},${address}`,
  `--host-record=${name},${address}`,
  `--txt-record=0._lsp.${name},v=LSP1; k=ed25519; p=${publicKey}`,
];

/** A name server inside that knows these domains and nothing else. */
export async function serveNames(place: Place, domains: readonly Domain[]): Promise<Program> {
  requirePrograms('dnsmasq');
  const program = place.start('dnsmasq', [
    'dnsmasq',
    '--keep-in-foreground',
    '--log-facility=-',
    '--conf-file=/dev/null',
    '--user=root',
    '--group=root',
    '--pid-file=',
    '--no-resolv',
    '--no-hosts',
    '--bind-interfaces',
    `--listen-address=${NAME_SERVER}`,
    '--local=/example/',
    ...domains.flatMap(recordsOf),
  ]);
  await program.line(/started, version/);
  return program;
}
