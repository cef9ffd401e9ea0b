import { expect, test } from 'vitest';
import { startProblem } from '../../../src/cli/start-problem.ts';
import { CodedError } from '../../../src/runtime/errors.ts';

const system = (fields: object): Error => Object.assign(new Error('bind EADDRINUSE 192.0.2.1:5060'), fields);

test.each([
  [
    'a datagram socket that is taken',
    { code: 'EADDRINUSE', syscall: 'bind', address: '192.0.2.1', port: 5060 },
    "can't listen on udp 192.0.2.1:5060: another program listens there already",
  ],
  [
    'a port that needs a permission',
    { code: 'EACCES', syscall: 'listen', address: '::1', port: 80 },
    "can't listen on tcp [::1]:80: this user may not",
  ],
  [
    'an address of another machine',
    { code: 'EADDRNOTAVAIL', syscall: 'listen', address: '192.0.2.9', port: 1 },
    "can't listen on tcp 192.0.2.9:1: no interface of this machine has that address",
  ],
])('%s is told in words', (_, fields, words) => {
  expect(startProblem(system(fields))).toContain(words);
});

test('the words are the same through an error that wraps the system’s', () => {
  const cause = system({ code: 'EADDRINUSE', syscall: 'bind', address: '192.0.2.1', port: 5060 });
  expect(startProblem(new CodedError('ERR_SIP_LISTEN', 'wrapped', { cause }))).toBe(startProblem(cause));
});

test('anything else says what it says', () => {
  expect(startProblem(new CodedError('ERR_X', 'the id lives elsewhere'))).toBe('the id lives elsewhere');
  expect(startProblem(system({ code: 'EIO', syscall: 'bind', port: 1 }))).toBe(
    'bind EADDRINUSE 192.0.2.1:5060',
  );
});
