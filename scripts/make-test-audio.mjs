// Makes test-audio/ again: Korean clips by espeak-ng, brought into several rates and formats by ffmpeg.
// Both must be on the PATH (Debian: espeak-ng, ffmpeg). Neither is needed to use the clips.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const out = join(dirname(fileURLToPath(import.meta.url)), '..', 'test-audio');

/** name, text as spoken, espeak-ng voice, words per minute, ffmpeg arguments of the format. */
const CLIPS = [
  ['reserve-a3.wav', '에이 삼 자리 예약해 줘', 'ko', 150, ['-ar', '16000', '-ac', '1', '-c:a', 'pcm_s16le']],
  [
    'return-27.wav',
    '이십칠 번 자리 반납할게요',
    'ko+f2',
    175,
    ['-ar', '44100', '-ac', '2', '-c:a', 'pcm_s16le'],
  ],
  [
    'extend-two-hours.wav',
    '두 시간 연장해 주세요',
    'ko+m3',
    140,
    ['-ar', '8000', '-ac', '1', '-c:a', 'pcm_mulaw'],
  ],
  [
    'list-available.flac',
    '오늘 남은 자리 있어요',
    'ko+f3',
    155,
    ['-ar', '44100', '-ac', '1', '-c:a', 'flac'],
  ],
  [
    'move-b7.mp3',
    '비 칠 자리로 옮겨 주세요',
    'ko+m1',
    145,
    ['-ar', '44100', '-ac', '1', '-c:a', 'libmp3lame', '-b:a', '64k'],
  ],
  [
    'cancel.ogg',
    '예약 취소해 주세요',
    'ko+f4',
    150,
    ['-ar', '48000', '-ac', '1', '-c:a', 'libopus', '-b:a', '32k'],
  ],
  [
    'status.webm',
    '내 자리 몇 시까지야',
    'ko+m4',
    150,
    ['-ar', '48000', '-ac', '1', '-c:a', 'libopus', '-b:a', '32k'],
  ],
  [
    'reserve-window.m4a',
    '창가 자리로 하나 잡아 줘',
    'ko+f1',
    150,
    ['-ar', '44100', '-ac', '1', '-c:a', 'aac', '-b:a', '64k'],
  ],
  [
    'extend-thirty.wav',
    '삼십 분만 더 쓸게요',
    'ko+f5',
    160,
    ['-ar', '22050', '-ac', '1', '-c:a', 'pcm_s16le'],
  ],
  ['weather.wav', '오늘 날씨가 참 좋네요', 'ko+m2', 150, ['-ar', '16000', '-ac', '1', '-c:a', 'pcm_s16le']],
  [
    'lunch.ogg',
    '점심은 뭐 먹을까요',
    'ko+f2',
    150,
    ['-ar', '44100', '-ac', '1', '-c:a', 'libvorbis', '-q:a', '3'],
  ],
  [
    'greeting.wav',
    '안녕하세요 만나서 반갑습니다',
    'ko',
    160,
    ['-ar', '16000', '-ac', '1', '-c:a', 'pcm_s24le'],
  ],
  [
    'library.mp3',
    '도서관은 조용해서 공부하기 좋아요',
    'ko+m3',
    155,
    ['-ar', '22050', '-ac', '1', '-c:a', 'libmp3lame', '-b:a', '48k'],
  ],
];

/** One line each, with seconds of silence behind it. */
const DIALOGUE = [
  ['안녕하세요 자리 예약하려고요', 'ko+f2', 1.2],
  ['네 어느 자리로 해 드릴까요', 'ko+m3', 1.2],
  ['에이 삼 자리 비어 있어요', 'ko+f2', 1.4],
  ['네 비어 있습니다 몇 시간 쓰실 건가요', 'ko+m3', 1.0],
  ['두 시간만 쓸게요', 'ko+f2', 1.5],
  ['예약했습니다 시간이 더 필요하면 연장해 주세요', 'ko+m3', 1.0],
  ['고맙습니다', 'ko+f2', 0.8],
];

/** One sentence in every container and codec, for the tests of the decoders; `reference.wav` is what went in. */
const mono = (rate) => ['-ar', String(rate), '-ac', '1'];
const FORMATS = [
  ['flac.flac', [...mono(44100), '-c:a', 'flac']],
  ['flac-stereo.flac', ['-ar', '48000', '-ac', '2', '-c:a', 'flac']],
  ['flac.ogg', [...mono(16000), '-c:a', 'flac']],
  ['flac.mp4', [...mono(16000), '-c:a', 'flac', '-strict', '-2']],
  ['mp3.mp3', [...mono(44100), '-c:a', 'libmp3lame', '-b:a', '64k']],
  [
    'mp3-stereo-id3.mp3',
    ['-ar', '22050', '-ac', '2', '-c:a', 'libmp3lame', '-b:a', '64k', '-metadata', 'title=자리'],
  ],
  ['mp3.mp4', [...mono(44100), '-c:a', 'libmp3lame', '-b:a', '64k']],
  ['opus.ogg', [...mono(48000), '-c:a', 'libopus', '-b:a', '32k']],
  ['opus-stereo.ogg', ['-ar', '48000', '-ac', '2', '-c:a', 'libopus', '-b:a', '48k']],
  ['opus.webm', [...mono(48000), '-c:a', 'libopus', '-b:a', '32k']],
  [
    'opus-live.webm',
    [
      ...mono(48000),
      '-c:a',
      'libopus',
      '-b:a',
      '32k',
      '-f',
      'webm',
      '-live',
      '1',
      '-cluster_time_limit',
      '700',
    ],
  ],
  ['opus.mp4', [...mono(48000), '-c:a', 'libopus', '-b:a', '32k']],
  ['vorbis.ogg', [...mono(44100), '-c:a', 'libvorbis', '-q:a', '3']],
  ['aac.m4a', [...mono(44100), '-c:a', 'aac', '-b:a', '64k']],
  [
    'aac-stereo-fragmented.mp4',
    ['-ar', '48000', '-ac', '2', '-c:a', 'aac', '-b:a', '96k', '-movflags', '+frag_keyframe+empty_moov'],
  ],
  ['aac-16k.m4a', [...mono(16000), '-c:a', 'aac', '-b:a', '32k', '-movflags', '+faststart']],
  ['aac.aac', [...mono(44100), '-c:a', 'aac', '-b:a', '64k']],
  ['alac.m4a', [...mono(16000), '-c:a', 'alac']],
  ['adpcm-stereo.wav', ['-ar', '22050', '-ac', '2', '-c:a', 'adpcm_ima_wav']],
  ['adpcm-ms.wav', [...mono(8000), '-c:a', 'adpcm_ms', '-t', '0.5']],
];
const PICTURE = ['-f', 'lavfi', '-t', '0.2', '-i', 'testsrc=size=64x64:rate=10'];

const work = mkdtempSync(join(tmpdir(), 'malgwi-test-audio-'));
const run = (command, args) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
const speak = (text, voice, rate, name) => {
  const wav = join(work, name);
  run('espeak-ng', ['-v', voice, '-s', String(rate), '-w', wav, text]);
  return wav;
};
// Without dates, versions and random serial numbers the same tools give the same bytes.
const convert = (from, to, args, extra = []) =>
  run('ffmpeg', [
    '-v',
    'error',
    '-y',
    ...from,
    '-fflags',
    '+bitexact',
    '-flags:a',
    '+bitexact',
    '-map_metadata',
    '-1',
    ...extra,
    ...args,
    to,
  ]);

try {
  mkdirSync(out, { recursive: true });
  const lines = CLIPS.map(([audio, text, voice, rate, args], i) => {
    convert(['-i', speak(text, voice, rate, `${i}.wav`)], join(out, audio), args);
    const format = audio.slice(audio.lastIndexOf('.') + 1);
    return JSON.stringify({ audio, text, split: 'test', voice, rate, format });
  });
  const parts = DIALOGUE.flatMap(([text, voice, pause], i) => {
    const spoken = speak(text, voice, 165, `d${i}.wav`);
    return ['-i', spoken, '-f', 'lavfi', '-t', String(pause), '-i', 'anullsrc=r=22050:cl=mono'];
  });
  const concat = `concat=n=${DIALOGUE.length * 2}:v=0:a=1`;
  const dialogue = ['-ar', '16000', '-ac', '1', '-c:a', 'pcm_s16le'];
  convert(parts, join(out, 'dialogue.wav'), dialogue, ['-filter_complex', concat]);
  lines.push(
    JSON.stringify({
      audio: 'dialogue.wav',
      text: DIALOGUE.map(([text]) => text).join(' '),
      split: 'long',
      voice: 'ko+f2 ko+m3',
      rate: 165,
      format: 'wav',
    }),
  );
  const formats = join(out, 'formats');
  mkdirSync(formats, { recursive: true });
  const reference = join(formats, 'reference.wav');
  convert(['-i', speak('두 시간 연장해 주세요', 'ko+f2', 175, 'r.wav')], reference, [
    ...mono(16000),
    '-c:a',
    'pcm_s16le',
  ]);
  for (const [name, args] of FORMATS) convert(['-i', reference], join(formats, name), args);
  const cover = ['-i', reference, ...PICTURE];
  const attach = [
    '-map',
    '0:a',
    '-map',
    '1:v',
    '-frames:v',
    '1',
    '-c:v',
    'png',
    '-disposition:v',
    'attached_pic',
  ];
  convert(cover, join(formats, 'aac-cover.m4a'), [...mono(44100), '-c:a', 'aac', ...attach]);
  convert(cover, join(formats, 'flac-cover.flac'), [...mono(16000), '-c:a', 'flac', ...attach]);
  convert(PICTURE, join(formats, 'video-only.mp4'), ['-c:v', 'mpeg4']);
  convert(PICTURE, join(formats, 'video-only.webm'), ['-c:v', 'libvpx', '-b:v', '20k']);
  writeFileSync(join(out, 'manifest.jsonl'), `${lines.join('\n')}\n`);
  for (const line of lines) {
    const { audio } = JSON.parse(line);
    console.log(`${String(statSync(join(out, audio)).size).padStart(8)} ${audio}`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
