// The SIP messages of the bench, made as bytes before the clock runs, and what their answers must say.
import { createHash } from 'node:crypto';
import { type LoadPlan, passwordOf, type Target, userName } from './load-plan.ts';

/** Stands in every branch before the number of the request, so that an answer is matched by one native search. */
export const BRANCH_MARK = 'z9hG4bKb';
const NUMBER_DIGITS = 8;
const EXPIRES_SEC = 3600;

const number = (index: number): string => String(index).padStart(NUMBER_DIGITS, '0');
const md5 = (text: string): string => createHash('md5').update(text, 'latin1').digest('hex');

export interface Job {
  readonly target: Target;
  readonly first: Buffer;
  readonly domain: string;
  readonly user: string;
  /** The Contact that the answer must hold, and no other. */
  readonly contact: string;
}

const contactOf = (userIndex: number): string =>
  `sip:${userName(userIndex)}@127.0.0.1:${20_000 + (userIndex % 40_000)}`;

const domainIndex = (plan: LoadPlan, userIndex: number): number => userIndex % plan.targets.length;

/** A stride without common factor spreads the requests over all users. */
const userOf = (plan: LoadPlan, request: number): number => plan.firstUser + ((request * 7919) % plan.users);

interface RegisterParts {
  readonly port: number;
  readonly request: number;
  readonly cseq: number;
  readonly user: string;
  readonly domain: string;
  readonly contact: string;
  readonly authorization?: string;
}

const registerText = (parts: RegisterParts): string => {
  const { port, request, cseq, user, domain, contact, authorization } = parts;
  const aor = `sip:${user}@${domain}`;
  return (
    `REGISTER sip:${domain} SIP/2.0\r\n` +
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${BRANCH_MARK}${number(request)}c${cseq};rport\r\n` +
    `Max-Forwards: 70\r\nFrom: <${aor}>;tag=f${request}\r\nTo: <${aor}>\r\n` +
    `Call-ID: r-${user}-7c5f1f9b2e6d@127.0.0.1\r\nCSeq: ${cseq} REGISTER\r\n` +
    `Contact: <${contact}>\r\nExpires: ${EXPIRES_SEC}\r\n` +
    `User-Agent: bench phone/1.0\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n` +
    `${authorization === undefined ? '' : `Authorization: ${authorization}\r\n`}Content-Length: 0\r\n\r\n`
  );
};

const SDP =
  'v=0\r\no=- 3724394400 3724394400 IN IP4 127.0.0.1\r\ns=call\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n' +
  'm=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n';

const inviteText = (plan: LoadPlan, port: number, request: number, userIndex: number): string => {
  const aor = `sip:${userName(userIndex)}@${plan.targets[domainIndex(plan, userIndex)]?.domain}`;
  return (
    `INVITE ${aor} SIP/2.0\r\n` +
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${BRANCH_MARK}${number(request)}c${plan.cseq};rport\r\n` +
    `Max-Forwards: 70\r\nFrom: <sip:caller@elsewhere.example>;tag=f${request}\r\nTo: <${aor}>\r\n` +
    `Call-ID: i-${request}-${plan.cseq}-${port}@127.0.0.1\r\nCSeq: ${plan.cseq} INVITE\r\n` +
    `Contact: <sip:caller@127.0.0.1:${port}>\r\nUser-Agent: bench phone/1.0\r\n` +
    `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`
  );
};

export const makeJob = (plan: LoadPlan, port: number, request: number): Job => {
  const userIndex = userOf(plan, request);
  const home = domainIndex(plan, userIndex);
  const [at, first] =
    plan.method === 'REGISTER'
      ? [home, '']
      : [(home + 1) % plan.targets.length, inviteText(plan, port, request, userIndex)];
  const target = plan.targets[at];
  const domain = plan.targets[home]?.domain;
  if (target === undefined || domain === undefined) throw new Error('a plan without targets');
  const user = userName(userIndex);
  const contact = contactOf(userIndex);
  const text = first === '' ? registerText({ port, request, cseq: plan.cseq, user, domain, contact }) : first;
  return { target, domain, user, contact, first: Buffer.from(text, 'latin1') };
};

/** The REGISTER with the credentials that a 401 asks for. */
export const answerChallenge = (job: Job, challenge: string, at: RequestAt): Buffer => {
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const qop = /qop="?auth/.test(challenge);
  const uri = `sip:${job.domain}`;
  const ha1 = md5(`${job.user}:${job.domain}:${passwordOf(job.user)}`);
  const ha2 = md5(`REGISTER:${uri}`);
  const response = md5(qop ? `${ha1}:${nonce}:00000001:4d2f:auth:${ha2}` : `${ha1}:${nonce}:${ha2}`);
  const authorization =
    `Digest username="${job.user}", realm="${job.domain}", nonce="${nonce}", uri="${uri}", ` +
    `response="${response}", algorithm=MD5${qop ? ', qop=auth, nc=00000001, cnonce="4d2f"' : ''}`;
  const parts = { ...at, cseq: at.cseq + 1, user: job.user, domain: job.domain, contact: job.contact };
  return Buffer.from(registerText({ ...parts, authorization }), 'latin1');
};

interface RequestAt {
  readonly port: number;
  readonly request: number;
  readonly cseq: number;
}

/** RFC 3261 §17.1.1.3: the ACK repeats the INVITE's Via, From, Call-ID and the response's To. */
export const acknowledge = (job: Job, answer: string): Buffer => {
  const [head = ''] = job.first.toString('latin1').split('\r\n\r\n', 1);
  const kept = head
    .split('\r\n')
    .filter((row) => /^(Via|Max-Forwards|From|Call-ID|CSeq):/.test(row))
    .join('\r\n')
    .replace(/INVITE$/, 'ACK');
  const to = /\r\nTo: ([^\r]+)/.exec(answer)?.[1] ?? '';
  const uri = head.slice('INVITE '.length, head.indexOf(' SIP/2.0'));
  return Buffer.from(`ACK ${uri} SIP/2.0\r\n${kept}\r\nTo: ${to}\r\nContent-Length: 0\r\n\r\n`, 'latin1');
};

/** The number of the request that an answer is for; undefined if it is none of ours. */
export const requestOf = (answer: Buffer): number | undefined => {
  const at = answer.indexOf(BRANCH_MARK, 0, 'latin1');
  if (at < 0) return undefined;
  let value = 0;
  for (let digit = at + BRANCH_MARK.length; digit < at + BRANCH_MARK.length + NUMBER_DIGITS; digit += 1)
    value = value * 10 + ((answer[digit] ?? 0) - 48);
  return Number.isInteger(value) ? value : undefined;
};

export const statusOf = (answer: Buffer): number =>
  100 * ((answer[8] ?? 0) - 48) + 10 * ((answer[9] ?? 0) - 48) + (answer[10] ?? 0) - 48;

/** True if `answer` holds exactly one Contact value, and it is `contact`; in a 200 with what is left of its life. */
export const holdsExactly = (answer: string, contact: string, expires: boolean): boolean => {
  const at = answer.indexOf('\r\nContact: ');
  if (at < 0 || answer.indexOf('\r\nContact: ', at + 1) >= 0) return false;
  const value = answer.slice(at + 11, answer.indexOf('\r\n', at + 11));
  if (!value.startsWith(`<${contact}>`) || value.includes(',')) return false;
  const left = /;expires=(\d+)/.exec(value)?.[1];
  return !expires || (left !== undefined && Number(left) > 0 && Number(left) <= EXPIRES_SEC);
};
