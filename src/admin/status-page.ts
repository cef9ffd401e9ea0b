// The status page: one HTML text with nothing to fetch from anywhere, and nothing in it unescaped.
import type { AdminRing, AdminRingMember, AdminStatus, Readiness } from './types.ts';

export type StatusPageView =
  | { readonly status: AdminStatus; readonly ring: AdminRing | undefined }
  | { readonly readiness: Readiness };

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string | number): string =>
  String(text).replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '');

/** More members than this are counted, not listed: a page stays a page. */
const MEMBERS_SHOWN_MAX = 500;

const STYLE = `
:root{color-scheme:light dark;--ok:#1a7f37;--bad:#b42318;--line:#8884;--soft:#8881;--dim:#777}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;max-width:80rem;margin:2.5rem auto;padding:0 1.25rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:2.25rem 0 .5rem}
.dim{color:var(--dim)}
.verdict{display:flex;gap:.75rem;align-items:center;border:1px solid var(--line);border-left:.4rem solid var(--ok);
border-radius:.5rem;padding:.9rem 1.1rem;margin:1.25rem 0;font-size:1.1rem;font-weight:600}
.verdict.bad{border-left-color:var(--bad)}.verdict ul{margin:0;padding-left:1.1rem;font-weight:400;font-size:.95rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.5rem;margin:0}
dt{color:var(--dim)}dd{margin:0}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.4rem .55rem;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}th{font-weight:600;background:var(--soft)}
tr.self td{font-weight:600}td.n,th.n{text-align:right}
code{font:.85em ui-monospace,monospace}
.bar{display:inline-block;height:.55rem;background:var(--ok);border-radius:.2rem;margin-right:.4rem;min-width:2px}
footer{margin-top:2.5rem}`;

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="refresh" content="10"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>
${body}
<footer class="dim">Refreshes every 10 s.</footer>
</body></html>
`;

const verdict = ({ ready, reasons }: Readiness): string =>
  ready
    ? '<div class="verdict">✓ Ready: registrations and calls are served</div>'
    : `<div class="verdict bad">✗ Not ready<ul>${reasons.map((reason) => `<li>${escapeHtml(reason)}</li>`).join('')}</ul></div>`;

const facts = (rows: readonly (readonly [string, string])[]): string =>
  `<dl>${rows.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;

/** `2 d 3 h`, `4 min`, `12 s`: the two largest units say enough. */
const formatDuration = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
};

const orDash = (value: number | null): string => (value === null ? '–' : escapeHtml(value));

const stateOf = ({ ready, lease, settled }: AdminRingMember): string => {
  if (!ready) return 'not ready';
  if (lease === false) return 'no lease';
  return settled === false ? 'fetching' : 'ready';
};

const memberRow = (member: AdminRingMember): string => {
  const owns = member.ownsPercent.toFixed(1);
  // The width is a number of ours; everything else is text from elsewhere.
  const width = Math.max(0, Math.min(100, member.ownsPercent)).toFixed(0);
  return `<tr${member.self ? ' class="self"' : ''}><td><code>${escapeHtml(member.id.slice(0, 10))}</code></td>
<td>${escapeHtml(member.domain)}${member.self ? ' (here)' : ''}</td><td class="n">${escapeHtml(member.selector)}</td>
<td><code>${escapeHtml(member.address)}</code></td>
<td><span class="bar" style="width:${width}px"></span>${owns} %</td>
<td class="n">${member.holdsPercent === null ? '–' : `${escapeHtml(member.holdsPercent.toFixed(1))} %`}</td>
<td class="n">${orDash(member.keys)}</td><td class="n">${orDash(member.entries)}</td>
<td class="n">${member.rttMs === null ? '–' : `${escapeHtml(member.rttMs.toFixed(1))} ms`}</td>
<td class="n">${member.roundTrips === null ? '–' : escapeHtml(member.roundTrips.toFixed(2))}</td>
<td class="n">${orDash(member.disagreements)}</td>
<td>${member.uptimeSec === null ? '–' : formatDuration(member.uptimeSec)}</td><td>${stateOf(member)}</td></tr>`;
};

const ringSection = (ring: AdminRing): string => {
  const shown = ring.members.slice(0, MEMBERS_SHOWN_MAX);
  const more = ring.members.length - shown.length;
  const broken =
    ring.broken.length === 0
      ? ''
      : `<div class="verdict bad">The ring is not in order<ul>${ring.broken.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul></div>`;
  return `<h2>Ring</h2>${broken}<div class="scroll"><table>
<tr><th>id</th><th>domain</th><th class="n">sel.</th><th>address</th><th>owns</th><th class="n">holds</th><th class="n">keys</th><th class="n">entries</th><th class="n">RTT</th>
<th class="n">trips</th><th class="n">differ</th><th>up</th><th>state</th></tr>
${shown.map(memberRow).join('\n')}</table></div>
<p class="dim">holds: as one of the replicas · trips: round trips of a lookup of its own, on average · differ: reads of its own in which replicas differed</p>${more > 0 ? `<p class="dim">and ${more} more</p>` : ''}`;
};

export const statusPage = (view: StatusPageView): string => {
  if ('readiness' in view) return page('chordial', `<h1>chordial</h1>${verdict(view.readiness)}`);
  const { status, ring } = view;
  const { overlay } = status;
  const rows: (readonly [string, string])[] = [
    ['Domains', status.domains.join(', ')],
    ['Publication', status.publication],
    ['SIP', status.listen.sip.join(', ')],
    ['Admin', status.listen.admin],
    ['Up for', formatDuration(status.uptimeSec)],
  ];
  if (status.listen.overlay !== null) rows.push(['Overlay', status.listen.overlay]);
  if (overlay !== undefined) {
    const size = Math.round(overlay.sizeEstimate);
    rows.push(
      [
        'Ring',
        `${overlay.id}: ${overlay.members} ${overlay.members === 1 ? 'member' : 'members'} known, about ${size} in all (${overlay.mode} mode)`,
      ],
      ['Our part', `${overlay.role}, ${overlay.keys} keys, ${overlay.entries} entries held`],
    );
  }
  if (status.bans > 0) rows.push(['Banned sources', String(status.bans)]);
  if (status.unpublished !== undefined) rows.push(['Waiting for the ring', String(status.unpublished)]);
  return page(
    `chordial: ${status.domains[0] ?? ''}`,
    `<h1>chordial <span class="dim">${escapeHtml(status.version)}</span></h1>${verdict(status)}<h2>This server</h2>${facts(rows)}${
      ring === undefined ? '' : ringSection(ring)
    }`,
  );
};
