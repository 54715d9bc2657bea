import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.js';
import { OggParser } from './ogg.js';
import type { OggPacket } from './ogg.js';
import { WebmParser } from './webm.js';

const load = (name: string): Promise<Buffer> =>
  readFile(fileURLToPath(new URL(`../../../test-audio/formats/${name}`, import.meta.url)));

describe('ByteQueue', () => {
  it('does not keep or change what it was given', () => {
    const given = Buffer.from([1, 2, 3]);
    const queue = new ByteQueue(10);
    queue.push(given);
    queue.peek()[0] = 9;
    expect([...given]).toEqual([1, 2, 3]);
    given[1] = 7;
    expect([...queue.take(2)]).toEqual([9, 2]);
    queue.push(Uint8Array.of(4));
    expect([...queue.peek()]).toEqual([3, 4]);
    expect(() => {
      queue.push(new Uint8Array(9));
    }).toThrow(/absurd/);
  });
});

describe('OggParser', () => {
  const all = (bytes: Uint8Array, step: number): { packets: OggPacket[]; parser: OggParser } => {
    const parser = new OggParser();
    const packets: OggPacket[] = [];
    for (let at = 0; at < bytes.length; at += step)
      packets.push(...parser.push(bytes.subarray(at, at + step)));
    return { packets, parser };
  };

  it('gives the same packets in any split', async () => {
    const bytes = await load('opus.ogg');
    const { packets, parser } = all(bytes, bytes.length);
    expect(packets.length).toBeGreaterThan(100);
    expect(packets[0]).toMatchObject({ first: true });
    expect(packets.at(-1)).toMatchObject({ last: true });
    expect(packets.at(-1)?.granule).toBeGreaterThan(90_000);
    expect(parser.insidePage).toBe(false);
    for (const step of [1, 29, 1000]) {
      const split = all(bytes, step).packets;
      expect(split.map((p) => Buffer.from(p.data).toString('hex'))).toEqual(
        packets.map((p) => Buffer.from(p.data).toString('hex')),
      );
    }
  });

  it('gives up on pages that are damaged without end', () => {
    // A header that claims the largest page, every 27 bytes.
    const page = Buffer.alloc(27, 0xff);
    page.write('OggS\0');
    expect(() => all(Buffer.alloc(1 << 20, page), 4096)).toThrow(/damaged/);
  });

  it('drops pages with a wrong checksum, skips garbage, knows when it was cut', async () => {
    const bytes = await load('opus.ogg');
    const damaged = Buffer.from(bytes);
    damaged[damaged.lastIndexOf('OggS') + 60] ^= 1;
    expect(all(damaged, 500).parser.damagedPages).toBeGreaterThan(0);
    const garbage = Buffer.concat([Buffer.from('OgOggOggX'), bytes]);
    expect(all(garbage, 3).packets).toHaveLength(all(bytes, 100).packets.length);
    expect(all(bytes.subarray(0, -10), 500).parser.insidePage).toBe(true);
  });
});

describe('WebmParser', () => {
  it('gives the same frames in any split, for Buffers too', async () => {
    for (const name of ['opus.webm', 'opus-live.webm']) {
      const bytes = await load(name);
      const frames = (step: number): string[] => {
        const parser = new WebmParser();
        const out: string[] = [];
        const add = (list: ReturnType<WebmParser['push']>): void => {
          for (const frame of list)
            out.push(`${String(frame.discardNs)} ${Buffer.from(frame.data).toString('hex')}`);
        };
        for (let at = 0; at < bytes.length; at += step) add(parser.push(bytes.subarray(at, at + step)));
        add(parser.flush());
        expect(parser.cut).toBe(false);
        expect(parser.tracks).toMatchObject([{ number: 1, type: 2, codecId: 'A_OPUS' }]);
        return out;
      };
      const whole = frames(bytes.length);
      expect(whole).toHaveLength(104);
      for (const step of [1, 33, 4096]) expect(frames(step)).toEqual(whole);
      // The last frame is cut back to the end of the audio.
      expect(whole.at(-1)).toMatch(/^[1-9]/);
    }
  });

  it('knows when it was cut', async () => {
    const bytes = await load('opus.webm');
    const parser = new WebmParser();
    parser.push(bytes.subarray(0, bytes.length / 2));
    expect(parser.cut).toBe(true);
  });

  it('takes laced blocks apart', () => {
    const track = Buffer.from(
      '1654ae6b' + '88' + 'ae86' + 'd78101' + '838102' + '1f43b675' + '01ffffffffffffff',
      'hex',
    );
    const block = (hex: string): Buffer => {
      const body = Buffer.from(hex, 'hex');
      return Buffer.concat([Buffer.from([0xa3, 0x80 | body.length]), body]);
    };
    const parse = (hex: string): number[] =>
      new WebmParser().push(Buffer.concat([track, block(hex)])).map((frame) => frame.data.length);
    expect(parse('81000000' + 'aabb')).toEqual([2]);
    // Xiph: 3 frames of 1, 2 and the rest; fixed: 2 of 2; EBML: 2, then +1, then the rest.
    expect(parse('81000002' + '020102' + 'aabbbbcccccc')).toEqual([1, 2, 3]);
    expect(parse('81000004' + '01' + 'aaaabbbb')).toEqual([2, 2]);
    expect(parse('81000006' + '0282c0' + 'aaaabbbbbbcc')).toEqual([2, 3, 1]);
    expect(() => parse('81000002' + '02ff')).toThrow(/damaged/);
    expect(() => parse('81000004' + '02' + 'aabbcccc')).toThrow(/damaged/);
  });
});
