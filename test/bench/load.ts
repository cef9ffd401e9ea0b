// The load generator: its own process, one raw socket, messages made beforehand, a closed loop, every answer looked at.
import { createSocket, type Socket } from 'node:dgram';
import type { FromLoad, LoadPlan, LoadResult, ToLoad } from './load-plan.ts';
import {
  acknowledge,
  answerChallenge,
  holdsExactly,
  type Job,
  makeJob,
  requestOf,
  statusOf,
} from './messages.ts';

/** Long after the slowest answer that is not lost, short enough that a lost datagram doesn't end a closed loop. */
const RESEND_MS = 1000;

const IDLE = 0;
const SENT = 1;
const CHALLENGED = 2;
const DONE = 3;

class Run {
  readonly #plan: LoadPlan;
  readonly #socket: Socket;
  readonly #port: number;
  readonly #jobs: readonly Job[];
  readonly #state: Uint8Array;
  readonly #sentMs: Float64Array;
  readonly #tookMs: Float64Array;
  readonly #credentials = new Map<number, Buffer>();
  #next = 0;
  #done = 0;
  #wrong = 0;
  #firstWrong = '';
  #resent = 0;
  #startedMs = 0;
  #finish: (result: LoadResult) => void = () => undefined;

  constructor(plan: LoadPlan, socket: Socket) {
    this.#plan = plan;
    this.#socket = socket;
    this.#port = socket.address().port;
    this.#jobs = Array.from({ length: plan.requests }, (_, request) => makeJob(plan, this.#port, request));
    this.#state = new Uint8Array(plan.requests);
    this.#sentMs = new Float64Array(plan.requests);
    this.#tookMs = new Float64Array(plan.requests);
  }

  go(): Promise<LoadResult> {
    return new Promise((resolve) => {
      const resend = setInterval(() => this.#resendLost(), RESEND_MS / 4);
      const end = setTimeout(() => this.#end(), this.#plan.secondsMax * 1000);
      this.#finish = (result) => {
        clearInterval(resend);
        clearTimeout(end);
        resolve(result);
      };
      this.#startedMs = performance.now();
      for (let lane = 0; lane < this.#plan.outstanding; lane += 1) this.#sendNext();
    });
  }

  onAnswer(bytes: Buffer): void {
    const request = requestOf(bytes);
    const status = statusOf(bytes);
    const job = request === undefined ? undefined : this.#jobs[request];
    if (request === undefined || job === undefined || status < 200) return;
    const state = this.#state[request];
    const answer = bytes.toString('latin1');
    if (state === SENT && status === 401 && this.#plan.digest) {
      this.#state[request] = CHALLENGED;
      const at = { port: this.#port, request, cseq: this.#plan.cseq };
      const bytesWith = answerChallenge(job, answer, at);
      this.#credentials.set(request, bytesWith);
      this.#send(job, bytesWith);
      return;
    }
    // A retransmission's answer, also the second 401.
    if (state === DONE || state === IDLE || (state === CHALLENGED && status === 401)) return;
    this.#tookMs[request] = performance.now() - (this.#sentMs[request] ?? 0);
    this.#state[request] = DONE;
    this.#credentials.delete(request);
    this.#done += 1;
    const register = this.#plan.method === 'REGISTER';
    if (status !== (register ? 200 : 302) || !holdsExactly(answer, job.contact, register)) {
      this.#wrong += 1;
      if (this.#firstWrong === '') this.#firstWrong = answer;
    }
    if (!register) this.#send(job, acknowledge(job, answer));
    if (this.#done === this.#plan.requests) this.#end();
    else this.#sendNext();
  }

  #sendNext(): void {
    const request = this.#next;
    const job = this.#jobs[request];
    if (job === undefined) return;
    this.#next += 1;
    this.#state[request] = SENT;
    this.#sentMs[request] = performance.now();
    this.#send(job, job.first);
  }

  #send(job: Job, bytes: Buffer): void {
    this.#socket.send(bytes, job.target.port, job.target.host);
  }

  #resendLost(): void {
    const beforeMs = performance.now() - RESEND_MS;
    for (let request = 0; request < this.#next; request += 1) {
      const job = this.#jobs[request];
      const state = this.#state[request];
      if (job === undefined || state === DONE || (this.#sentMs[request] ?? 0) > beforeMs) continue;
      this.#resent += 1;
      this.#send(job, this.#credentials.get(request) ?? job.first);
    }
  }

  #end(): void {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const took = this.#tookMs.filter((_, request) => this.#state[request] === DONE).sort();
    const at = (share: number): number =>
      took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
    this.#finish({
      done: this.#done,
      wrong: this.#wrong,
      firstWrong: this.#firstWrong,
      resent: this.#resent,
      seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    });
  }
}

const say = (message: FromLoad): void => {
  process.send?.(message);
};

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 1 << 20 });
let run: Run | undefined;
socket.on('message', (bytes) => run?.onAnswer(bytes));
process.on('message', (message: ToLoad) => {
  if (message.kind === 'prepare') {
    run = new Run(message.plan, socket);
    say({ kind: 'prepared' });
  } else void run?.go().then((result) => say({ kind: 'result', result }));
});
// The bench that started this process is gone: so is the reason for it.
process.on('disconnect', () => process.exit(0));
socket.bind(0, '127.0.0.1', () => say({ kind: 'prepared' }));
