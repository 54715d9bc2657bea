import { invalid } from './bytes.js';
import type { ByteReader } from './contract.js';

/** The binary layouts of KenLM (Heafield 2011), in the order of its `ModelType`. */
export type KenlmLayout =
  'probing' | 'rest-probing' | 'trie' | 'quantised-trie' | 'array-trie' | 'quantised-array-trie';

export interface KenlmHeader {
  readonly layout: KenlmLayout;
  readonly order: number;
  /** n-grams of each order, `<unk>` included. */
  readonly counts: readonly number[];
  /** Buckets for each entry of a hash table. */
  readonly probingMultiplier: number;
  /** The words follow as text after the data structures. */
  readonly hasVocabulary: boolean;
  /** Of the vocabulary, in bytes. */
  readonly start: number;
}

const LAYOUTS: readonly KenlmLayout[] = [
  'probing',
  'rest-probing',
  'trie',
  'quantised-trie',
  'array-trie',
  'quantised-array-trie',
];
const MAGIC = 'mmap lm http://kheafield.com/code format version 5\n';
const INCOMPLETE = 'mmap lm http://kheafield.com/code incomplete\n';
const ANY_VERSION = 'mmap lm http://kheafield.com/code format version';
const SANITY_BYTES = 0x58;
const MAX_ORDER = 20;

/**
 * Reads the header of a KenLM binary file and refuses what cannot be: nothing else of the file is touched.
 * @throws MalgwiError manifest_invalid
 */
export function readKenlmHeader(reader: ByteReader): KenlmHeader {
  if (reader.length < 0x6c) invalid('it is too short for a KenLM binary file');
  checkSanity(reader);
  const order = reader.u8(0x58);
  if (order < 2 || order > MAX_ORDER) invalid(`its order is ${String(order)}, not 2 to ${String(MAX_ORDER)}`);
  const probingMultiplier = reader.f32(0x5c);
  const type = reader.u32(0x60);
  if (type >= LAYOUTS.length) invalid(`its layout ${String(type)} is not known`);
  const layout = LAYOUTS[type];
  const hashed = layout === 'probing' || layout === 'rest-probing';
  if (hashed && !(probingMultiplier > 1 && probingMultiplier <= 1000)) {
    invalid('its probing multiplier is not a number above 1');
  }
  const version = reader.u32(0x68);
  if (version !== (hashed ? 0 : 1))
    invalid(`the version of its data structure, ${String(version)}, is not known`);
  const start = Math.ceil((0x6c + 8 * order) / 8) * 8;
  const counts: number[] = [];
  for (let n = 0; n < order; n++) {
    const count = reader.u64(0x6c + 8 * n);
    // Even the tightest layout spends more than a bit on an n-gram.
    if (count > reader.length * 8)
      invalid(`it announces ${String(count)} ${String(n + 1)}-grams and cannot hold them`);
    counts.push(count);
  }
  if (counts[0] < 1 || counts[0] > 0xffff_fffe) invalid('it has no words, or too many');
  return { layout, order, counts, probingMultiplier, hasVocabulary: reader.u8(0x64) !== 0, start };
}

/** The magic, and values that show byte order and alignment: 0, 1 and -0.5 as float32, 1, 2^32 - 1, 1 as a u64. */
function checkSanity(reader: ByteReader): void {
  const bytes = reader.bytes(0, SANITY_BYTES);
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC) {
    if (magic.startsWith(INCOMPLETE)) invalid('KenLM did not finish building this file');
    if (magic.startsWith(ANY_VERSION))
      invalid('KenLM wrote it in another version of its format: build it again');
    invalid('it is not a KenLM binary file');
  }
  const fits =
    reader.u32(0x38) === 0 &&
    reader.f32(0x3c) === 1 &&
    reader.f32(0x40) === -0.5 &&
    reader.u32(0x44) === 1 &&
    reader.u32(0x48) === 0xffff_ffff &&
    reader.u32(0x50) === 1 &&
    reader.u32(0x54) === 0;
  if (!fits) invalid('it was built on another kind of machine: build it again');
}
