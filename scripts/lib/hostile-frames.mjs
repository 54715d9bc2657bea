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
 * @returns {Record<string, { path: () => string, frame: () => string | Buffer, greeting: () => (string | Buffer)[],
 *   farewell: string | undefined }>} by protocol
 */
export function hostileProtocols(random) {
  const pick = (values) => values[Math.floor(random() * values.length)];
  const bytes = (length) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
  const wild = (object) => {
    const keys = Object.keys(object);
    if (keys.length > 0 && random() < 0.4) object[pick(keys)] = pick(WILD);
    return object;
  };
  const some = (object) => Object.fromEntries(Object.entries(object).filter(() => random() < 0.4));
  const mutate = (text) => {
    const at = Math.floor(random() * text.length);
    const noise = pick(['', '"', '{', '\\', '\u0000', '가', '9'.repeat(400)]);
    return text.slice(0, at) + noise + text.slice(at + 1);
  };
  const voice = (length) => {
    const samples = Int16Array.from({ length }, (_, i) => {
      const phase = (2 * Math.PI * 140 * i) / 16_000 + 6 * Math.sin(i / 3200);
      return 6000 * Math.sin(phase) + 3000 * Math.sin(3 * phase) * Math.sin(i / 1700);
    });
    return Buffer.from(samples.buffer);
  };
  const audio = () => {
    const roll = random();
    // NaN and infinity as float samples, odd lengths, containers that begin and do not go on.
    if (roll < 0.2) return Buffer.alloc(4000, Buffer.from([0, 0, 0xc0, 0x7f]));
    if (roll < 0.4)
      return Buffer.concat([Buffer.from(pick(HEADERS), 'latin1'), bytes(Math.floor(random() * 300))]);
    if (roll < 0.5) return bytes(Math.floor(random() * 4));
    // Something like a voice, and silence behind it, which ends utterances, eagerly or not; more of it takes that back.
    if (roll < 0.65) return voice(Math.floor(random() * 16_000));
    if (roll < 0.8) return Buffer.alloc(Math.floor(random() * 24_000));
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
    options: wild(some(liveOptions())),
  });
  const liveOptions = () => ({
    silence_ms: pick([64, 400, 9000]),
    // Before the silence, at it, behind it.
    eager_silence_ms: pick([64, 65, 399, 400, 8999, 10_000, 63, 64.5]),
    decoder_silence_ms: pick([500, 30_000, 499]),
    threshold: pick([0.01, 0.5, 0.99]),
    prefix_padding_ms: pick([0, 300, 2000, 2001]),
    max_utterance_ms: pick([1000, 28_000, 999]),
    partial_interval_ms: pick([50, 10_000]),
    second_pass: pick([true, false]),
    intents: pick([true, false]),
    dialogue: pick([true, false]),
    alternatives: pick([1, 3, 99]),
    beam_width: pick([1, 8, 1e6]),
    hot_words: [{ phrase: pick(['가', ' ', 'x'.repeat(300)]), weight: pick([0, -5, 1e9]) }],
  });
  const native = () =>
    random() < 0.7
      ? hello()
      : pick([
          () => ({ type: 'flush' }),
          () => ({ type: 'ping' }),
          () => wild({ type: 'seen', seq: pick([0, 1, 1e15, -1]) }),
          () => wild({ type: 'resume', session: 'sess_x', token: 'x', seq: pick([0, 1e15]) }),
          () => wild({ type: 'dialogue', pending: pick(WILD) }),
        ])();
  const turnDetection = () => ({
    threshold: pick([0.01, 0.5, 0.99, 0]),
    prefix_padding_ms: pick([0, 2000, 2001]),
    silence_duration_ms: pick([64, 500, 10_000, 63]),
    eagerness: pick(['low', 'high', 'x']),
    create_response: pick([true, false]),
  });
  const realtime = () =>
    pick([
      () => ({
        type: 'session.update',
        session: wild({ type: 'transcription', audio: { input: pick(WILD) } }),
      }),
      () => ({
        type: 'session.update',
        session: {
          type: 'transcription',
          audio: { input: { turn_detection: wild({ type: 'server_vad', ...some(turnDetection()) }) } },
        },
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
  // Eager ends, and ends by the search, with something to be heard of: then what is hostile.
  const eager = () => [
    JSON.stringify({
      type: 'hello',
      encoding: 'pcm_s16le',
      sample_rate: 16_000,
      resumable: random() < 0.5,
      options: { threshold: 0.1, silence_ms: 300, eager_silence_ms: 64, decoder_silence_ms: 500 },
    }),
    voice(16_000),
    Buffer.alloc(2 * pick([1600, 3200, 6400])),
    voice(4000),
  ];
  return {
    stream: {
      path: () => '/v1/stream',
      greeting: () => pick([[opened], eager(), [], []]),
      frame: frames(native),
      farewell: '{"type":"finish"}',
    },
    realtime: {
      path: () =>
        `/v1/realtime?intent=${pick(['transcription', 'x'])}&model=${pick(['', 'malgwi-ko', '..'])}`,
      greeting: () => [],
      frame: frames(realtime),
      farewell: undefined,
    },
    deepgram: {
      path: () => `/v1/listen?${query()}`,
      greeting: () => [],
      frame: frames(deepgram),
      farewell: '{"type":"CloseStream"}',
    },
    vosk: {
      path: () => '/v1/vosk',
      greeting: () => [],
      frame: frames(vosk),
      farewell: '{"eof":1}',
    },
  };
}
