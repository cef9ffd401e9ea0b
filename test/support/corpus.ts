// The corpus of SIP messages in test/vectors/corpus, byte for byte.
import { readdirSync, readFileSync } from 'node:fs';

const ROOT = new URL('../vectors/corpus/', import.meta.url);

export interface CorpusMessage {
  /** `folder/name.dat`. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

export interface Verdict {
  readonly file: string;
  readonly section: string;
  readonly title: string;
  readonly note: string;
}

export const corpusMessage = (file: string): CorpusMessage => ({
  file,
  bytes: readFileSync(new URL(file, ROOT)),
});

/** Every message of one folder of the corpus, in the order of their names. */
export const corpusFolder = (folder: 'rfc4475' | 'rfc5118' | 'rfc3665' | 'real'): readonly CorpusMessage[] =>
  readdirSync(new URL(`${folder}/`, ROOT))
    .filter((name) => name.endsWith('.dat'))
    .sort()
    .map((name) => corpusMessage(`${folder}/${name}`));

/** What the RFCs say about their torture messages. */
export const corpusVerdicts = (): readonly Verdict[] =>
  JSON.parse(readFileSync(new URL('index.json', ROOT), 'utf8'));
