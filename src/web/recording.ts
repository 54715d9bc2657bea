import type { Venue } from '../intents/contract.js';
import { explainMicrophone, Microphone } from './microphone.js';
import type { ServerMessage } from './protocol.js';
import { LiveSocket } from './socket.js';
import { explainError } from './wording.js';

export type RecordingState = 'idle' | 'starting' | 'listening' | 'finishing';

export interface RecordingEvents {
  onState(state: RecordingState): void;
  onMessage(message: ServerMessage): void;
  onLevel(level: number): void;
  /** For people; empty when the last problem is over. */
  onProblem(text: string): void;
}

/** The last words take this long at most to come after the end of the audio. */
const FINISH_LIMIT_MS = 20_000;

/** The microphone and its live session: started and stopped together, whatever fails in between. */
export class Recording {
  private state: RecordingState = 'idle';
  private microphone: Microphone | undefined;
  private socket: LiveSocket | undefined;
  private limit: ReturnType<typeof setTimeout> | undefined;
  /** Counts starts, so that a microphone allowed after the recording was stopped is not listened to. */
  private attempt = 0;

  constructor(private readonly events: RecordingEvents) {}

  get active(): boolean {
    return this.state !== 'idle';
  }

  async start(venue: Venue): Promise<void> {
    if (this.active) return;
    this.events.onProblem('');
    this.enter('starting');
    const attempt = ++this.attempt;
    let microphone: Microphone;
    try {
      microphone = await Microphone.open({
        onPiece: (pcm, level) => {
          if (attempt === this.attempt) this.onPiece(pcm, level);
        },
        onLost: () => {
          if (attempt !== this.attempt) return;
          this.events.onProblem('마이크 연결이 끊겼습니다.');
          void this.stop();
        },
      });
    } catch (error) {
      if (attempt !== this.attempt) return;
      this.events.onProblem(explainMicrophone(error));
      this.enter('idle');
      return;
    }
    if (attempt !== this.attempt) return microphone.stop();
    this.microphone = microphone;
    const { sampleRate } = microphone;
    this.socket = new LiveSocket(
      { type: 'hello', sample_rate: Math.round(sampleRate), encoding: 'pcm_s16le', venue },
      {
        onMessage: (message) => this.onMessage(message),
        onClose: (code, clean) => void this.onClose(code, clean),
      },
    );
  }

  /** Ends the recording; the last words still come. */
  async stop(): Promise<void> {
    if (this.state !== 'listening' && this.state !== 'starting') return;
    const { socket } = this;
    if (socket === undefined) {
      // The browser still asks for the microphone: there is nothing to finish.
      this.attempt += 1;
      return this.enter('idle');
    }
    this.enter('finishing');
    await this.releaseMicrophone();
    socket.finish();
    this.limit = setTimeout(() => socket.close(), FINISH_LIMIT_MS);
  }

  private onPiece(pcm: ArrayBuffer, level: number): void {
    this.events.onLevel(level);
    if (this.socket?.send(pcm) !== false) return;
    this.events.onProblem('인터넷이 느려 소리를 다 보내지 못합니다.');
    void this.stop();
  }

  private onMessage(message: ServerMessage): void {
    if (message.type === 'ready' && this.state === 'starting') this.enter('listening');
    if (message.type === 'error') this.events.onProblem(explainError(message.error.code));
    this.events.onMessage(message);
  }

  private async onClose(code: number, clean: boolean): Promise<void> {
    clearTimeout(this.limit);
    if (!clean) {
      const why = code === 1006 ? '서버에 연결하지 못했습니다.' : `연결이 끊겼습니다 (${String(code)}).`;
      this.events.onProblem(`${why} 다시 눌러 주세요.`);
    }
    this.socket = undefined;
    await this.releaseMicrophone();
    this.enter('idle');
  }

  private async releaseMicrophone(): Promise<void> {
    const { microphone } = this;
    this.microphone = undefined;
    await microphone?.stop();
    this.events.onLevel(0);
  }

  private enter(state: RecordingState): void {
    this.state = state;
    this.events.onState(state);
  }
}
