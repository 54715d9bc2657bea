/** Recordings as live streams: what is heard while it is spoken, through the service's own streams, as fast as they go. */
import { openAudioFile } from '../../audio/index.js';
import { SAMPLE_RATE } from '../../audio/contract.js';
import type { LiveEvent, Recognizer } from '../../recognition/contract.js';

/** Samples of one message of a client. */
const PIECE = SAMPLE_RATE / 10;

export interface LiveTotals {
  /** Processing time of the worker by audio time, of all streams. */
  readonly realTimeFactor: number | null;
  readonly partials: number;
  /** Share of the characters of partials that were called stable, and utterances in which one of those changed later. */
  readonly stableShare: number | null;
  readonly changedStable: number;
}

export interface LiveOptions {
  readonly model?: string;
  /** In place of what the package says. */
  readonly secondPass?: boolean;
  readonly signal: AbortSignal;
}

/** Plays files to live streams and adds up what that cost. */
export class LiveTranscriber {
  private computeMs = 0;
  private seconds = 0;
  private partials = 0;
  private characters = 0;
  private stableCharacters = 0;
  private changed = 0;

  constructor(
    private readonly recognizer: Recognizer,
    private readonly options: LiveOptions,
  ) {}

  get totals(): LiveTotals {
    return {
      realTimeFactor: this.seconds === 0 ? null : this.computeMs / 1000 / this.seconds,
      partials: this.partials,
      stableShare: this.characters === 0 ? null : this.stableCharacters / this.characters,
      changedStable: this.changed,
    };
  }

  /**
   * The final texts of a recording, joined, and its seconds.
   * @throws MalgwiError of the audio (audio_corrupt ...), the recogniser (too_many_sessions ...) or the model
   */
  async transcribe(path: string): Promise<{ readonly text: string; readonly duration: number }> {
    const { model, secondPass, signal } = this.options;
    const audio = await openAudioFile(path);
    try {
      const stream = await this.recognizer.openStream({
        encoding: 'pcm_f32le',
        sampleRate: SAMPLE_RATE,
        channels: 1,
        ...(model === undefined ? {} : { model }),
        ...(secondPass === undefined ? {} : { secondPass }),
      });
      try {
        const heard = new Utterances();
        let samples = 0;
        const take = ({ events, computeMs }: Awaited<ReturnType<typeof stream.feed>>): void => {
          this.computeMs += computeMs;
          events.forEach((event) => heard.take(event));
        };
        for await (const chunk of audio.chunks()) {
          for (let from = 0; from < chunk.length; from += PIECE) {
            signal.throwIfAborted();
            const piece = chunk.slice(from, from + PIECE);
            samples += piece.length;
            take(await stream.feed(new Uint8Array(piece.buffer)));
          }
        }
        take(await stream.finish());
        this.count(heard, samples / SAMPLE_RATE);
        return { text: heard.texts.join(' '), duration: samples / SAMPLE_RATE };
      } finally {
        stream.close();
      }
    } finally {
      await audio.close();
    }
  }

  private count(heard: Utterances, seconds: number): void {
    this.seconds += seconds;
    this.partials += heard.partials;
    this.characters += heard.characters;
    this.stableCharacters += heard.stableCharacters;
    this.changed += heard.changed;
  }
}

/** What the events of one stream said. */
class Utterances {
  readonly texts: string[] = [];
  partials = 0;
  characters = 0;
  stableCharacters = 0;
  changed = 0;
  private stable = '';
  private broken = false;

  take(event: LiveEvent): void {
    if (event.type === 'speech_start') {
      this.stable = '';
      this.broken = false;
    } else if (event.type === 'partial') {
      this.hold(event.text);
      this.stable = event.text.slice(0, event.stable);
      this.partials += 1;
      this.characters += event.text.length;
      this.stableCharacters += event.stable;
    } else if (event.type === 'final') {
      this.hold(event.segment.text);
      if (this.broken) this.changed += 1;
      if (event.segment.text !== '') this.texts.push(event.segment.text);
    }
  }

  private hold(text: string): void {
    if (!text.startsWith(this.stable)) this.broken = true;
  }
}
