/**
 * Frames that no honest client sends, for each live protocol, the same in every run: broken JSON, wild values in known
 * fields, audio that is none, headers cut off, commands out of order.
 */

const WILD = [null, -1, 0, 1e308, '', 'x'.repeat(5000), [], {}, true, { type: {} }, '\u0000\ud800', [[[[]]]]];
const ENCODINGS = [
  'pcm_s16le',
  'pcm_f32le',
  'mulaw',
  'alaw',
  'webm_opus',
  'ogg_opus',
  'flac',
  '',
  'constructor',
];
const HEADERS = ['RIFF\xff\xff\xff\xffWAVEfmt ', 'OggS', '\x1a\x45\xdf\xa3', 'ID3', '%PDF', 'PK\x03\x04'];

/**
 * @param {() => number} random numbers in [0, 1)
 * @returns {Record<string, { path: () => string, frame: () => string | Buffer, greeting: () => string | undefined,
 *   farewell: string | undefined }>} by protocol
 */
export function hostileProtocols(random) {
  const pick = (values) => values[Math.floor(random() * values.length)];
  const bytes = (length) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
  const wild = (object) => {
    if (random() < 0.4) object[pick(Object.keys(object))] = pick(WILD);
    return object;
  };
  const mutate = (text) => {
    const at = Math.floor(random() * text.length);
    const noise = pick(['', '"', '{', '\\', '\u0000', '가', '9'.repeat(400)]);
    return text.slice(0, at) + noise + text.slice(at + 1);
  };
  const audio = () => {
    const roll = random();
    // NaN and infinity as float samples, odd lengths, containers that begin and do not go on.
    if (roll < 0.2) return Buffer.alloc(4000, Buffer.from([0, 0, 0xc0, 0x7f]));
    if (roll < 0.4)
      return Buffer.concat([Buffer.from(pick(HEADERS), 'latin1'), bytes(Math.floor(random() * 300))]);
    if (roll < 0.5) return bytes(Math.floor(random() * 4));
    return bytes(Math.floor(random() * 20_000));
  };
  const text = (commands) => {
    const roll = random();
    if (roll < 0.35) return JSON.stringify(wild(commands()));
    if (roll < 0.6) return mutate(JSON.stringify(commands()));
    if (roll < 0.75) return JSON.stringify(pick(WILD));
    if (roll < 0.85) return bytes(300).toString('latin1');
    if (roll < 0.9) return '['.repeat(50_000);
    return JSON.stringify({
      type: pick(['flush', 'finish', 'ping', 'bye', '__proto__', 'KeepAlive']),
      x: pick(WILD),
    });
  };
  const frames = (commands) => () => (random() < 0.7 ? text(commands) : audio());

  const hello = () => ({
    type: 'hello',
    encoding: pick(ENCODINGS),
    sample_rate: pick([8000, 16_000, 44_100, 48_000, 4000, 192_000]),
    channels: pick([1, 1, 1, 2, 8]),
    model: pick([undefined, undefined, 'nothing']),
    venue: pick([undefined, undefined, 'nowhere']),
    options: { silence_ms: pick([64, 400, 9000]), threshold: pick([0.01, 0.5, 0.99]) },
  });
  const realtime = () =>
    pick([
      () => ({
        type: 'session.update',
        session: wild({ type: 'transcription', audio: { input: pick(WILD) } }),
      }),
      () => ({ type: 'transcription_session.update', session: { turn_detection: pick([null, ...WILD]) } }),
      () => ({ type: 'input_audio_buffer.append', audio: audio().toString('base64') }),
      () => ({ type: 'input_audio_buffer.append', audio: pick(WILD) }),
      () => ({ type: 'input_audio_buffer.commit', event_id: pick(WILD) }),
      () => ({ type: 'input_audio_buffer.clear' }),
      () => ({ type: 'response.create' }),
    ])();
  const deepgram = () =>
    pick([
      { type: 'KeepAlive' },
      { type: 'Finalize' },
      { type: 'CloseStream' },
      { type: 'Configure', x: pick(WILD) },
    ]);
  const vosk = () =>
    pick([
      () => ({
        config: wild({ sample_rate: pick([8000, '16000', 1, 1e9]), words: 1, phrase_list: pick(WILD) }),
      }),
      () => ({ config: pick(WILD) }),
      () => ({ config: { max_alternatives: pick([0, 3, 99, 'x']) } }),
      () => ({ reset: 1 }),
      () => ({ eof: pick([1, 0, true, 'x']) }),
    ])();
  const query = () =>
    [
      `encoding=${pick(['linear16', 'mulaw', 'opus', 'linear16', 'x', ''])}`,
      `sample_rate=${pick(['16000', '8000', '-1', '1e9', 'x'])}`,
      `endpointing=${pick(['10', 'false', '300', 'x', '99999999'])}`,
      `keywords=${pick(['가:2', '%00', 'x'.repeat(300)])}`,
      `interim_results=${pick(['true', 'false', '%FF'])}`,
      `utterance_end_ms=${pick(['1000', '-5', ''])}`,
    ]
      .filter(() => random() < 0.6)
      .join('&');

  const opened = JSON.stringify({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000 });
  return {
    stream: {
      path: () => '/v1/stream',
      greeting: () => (random() < 0.5 ? opened : undefined),
      frame: frames(hello),
      farewell: '{"type":"finish"}',
    },
    realtime: {
      path: () =>
        `/v1/realtime?intent=${pick(['transcription', 'x'])}&model=${pick(['', 'malgwi-ko', '..'])}`,
      greeting: () => undefined,
      frame: frames(realtime),
      farewell: undefined,
    },
    deepgram: {
      path: () => `/v1/listen?${query()}`,
      greeting: () => undefined,
      frame: frames(deepgram),
      farewell: '{"type":"CloseStream"}',
    },
    vosk: {
      path: () => '/v1/vosk',
      greeting: () => undefined,
      frame: frames(vosk),
      farewell: '{"eof":1}',
    },
  };
}
