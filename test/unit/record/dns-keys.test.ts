import { describe, expect, test } from 'vitest';
import { DnsKeys, formatKeyRecord, parseKeyRecord } from '../../../src/record/dns-keys.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { registrar } from '../../support/record-world.ts';

const publicKey = registrar(0).publicKey;
const record = formatKeyRecord(publicKey);
const MINUTE = 60_000;
const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));

const setUp = (options: ConstructorParameters<typeof DnsKeys>[1] = {}) => {
  const clock = new ManualClock();
  const asked: string[] = [];
  let zone: () => Promise<string[][]> = async () => [[record]];
  const keys = new DnsKeys(
    {
      clock,
      resolveTxt: (name) => {
        asked.push(name);
        return zone();
      },
    },
    options,
  );
  return { clock, asked, keys, become: (next: typeof zone) => (zone = next) };
};

describe('key records', () => {
  test('are read whatever the order and the unknown tags', () => {
    expect(parseKeyRecord(record)).toEqual(Buffer.from(publicKey));
    const p = Buffer.from(publicKey).toString('base64');
    expect(parseKeyRecord(`p=${p};x=1; k=ed25519 ;v=LSP1`)).toEqual(Buffer.from(publicKey));
  });

  test.each([
    '',
    'v=LSP2; k=ed25519; p=AAAA',
    'v=LSP1; k=rsa; p=AAAA',
    'v=LSP1; k=ed25519; p=AAAA',
    `${record}; v=LSP1`,
  ])('are not read from %j', (text) => expect(parseKeyRecord(text)).toBeUndefined());
});

describe('keys from DNS', () => {
  test('stand at SELECTOR._lsp.DOMAIN, in one string or several, and are asked for once in five minutes', async () => {
    const { keys, asked, clock, become } = setUp();
    become(async () => [['unrelated'], [record.slice(0, 20), record.slice(20)]]);
    expect(await keys.resolve('biloxi.com', 0)).toMatchObject({
      kind: 'key',
      publicKey: Buffer.from(publicKey),
    });
    await keys.resolve('biloxi.com', 0);
    clock.advance(5 * MINUTE);
    await keys.resolve('biloxi.com', 0);
    expect(asked).toEqual(['0._lsp.biloxi.com', '0._lsp.biloxi.com']);
  });

  test('two records while one is rotated', async () => {
    const { keys, become } = setUp();
    become(async () => [[record], [formatKeyRecord(registrar(1).publicKey)]]);
    const answer = await keys.resolve('biloxi.com', 0);
    expect(answer.kind === 'key' && answer.alternates).toEqual([Buffer.from(registrar(1).publicKey)]);
  });

  test('a name that is not there is remembered as such for a minute', async () => {
    const { keys, asked, clock, become } = setUp();
    become(() => failing('ENOTFOUND'));
    expect(await keys.resolve('biloxi.com', 0)).toEqual({ kind: 'unknown' });
    await keys.resolve('biloxi.com', 0);
    expect(asked).toHaveLength(1);
    clock.advance(MINUTE);
    become(async () => [[record]]);
    expect((await keys.resolve('biloxi.com', 0)).kind).toBe('key');
  });

  test('a deleted record revokes the key', async () => {
    const { keys, clock, become } = setUp();
    await keys.resolve('biloxi.com', 0);
    become(() => failing('ENODATA'));
    clock.advance(5 * MINUTE);
    expect(await keys.resolve('biloxi.com', 0)).toEqual({ kind: 'unknown' });
  });

  test('while DNS fails a known key serves as stale for an hour, an unknown one not at all', async () => {
    const { keys, clock, become } = setUp();
    await keys.resolve('biloxi.com', 0);
    become(() => failing('ESERVFAIL'));
    expect(await keys.resolve('atlanta.com', 0)).toEqual({ kind: 'unavailable' });
    clock.advance(5 * MINUTE);
    expect(await keys.resolve('biloxi.com', 0)).toMatchObject({ kind: 'key', stale: true });
    clock.advance(59 * MINUTE);
    expect(await keys.resolve('biloxi.com', 0)).toMatchObject({ kind: 'key', stale: true });
    clock.advance(MINUTE);
    expect(await keys.resolve('biloxi.com', 0)).toEqual({ kind: 'unavailable' });
  });

  test('a resolver that says nothing is given up after its time', async () => {
    const { keys, clock, become } = setUp();
    become(() => new Promise(() => undefined));
    const answer = keys.resolve('biloxi.com', 0);
    clock.advance(3_000);
    expect(await answer).toEqual({ kind: 'unavailable' });
  });

  test('one question at a time per name, few in all', async () => {
    const { keys, asked, become } = setUp({ inFlightMax: 1 });
    let tell: (records: string[][]) => void = () => undefined;
    become(() => new Promise((resolve) => (tell = resolve)));
    const both = [keys.resolve('biloxi.com', 0), keys.resolve('biloxi.com', 0)];
    expect(await keys.resolve('atlanta.com', 0)).toEqual({ kind: 'unavailable' });
    tell([[record]]);
    expect((await Promise.all(both)).map((answer) => answer.kind)).toEqual(['key', 'key']);
    expect(asked).toEqual(['0._lsp.biloxi.com']);
  });
});
