import type { CapturedPiece } from './capture-worklet.js';

export interface MicrophoneEvents {
  onPiece(pcm: ArrayBuffer, level: number): void;
  /** The device went away (unplugged, taken by another program, permission withdrawn). */
  onLost(): void;
}

/** The microphone as 16-bit PCM at the rate of its audio context. */
export class Microphone {
  private constructor(
    private readonly context: AudioContext,
    private readonly media: MediaStream,
    private readonly node: AudioWorkletNode,
    private readonly lastPiece: Promise<void>,
  ) {}

  get sampleRate(): number {
    return this.context.sampleRate;
  }

  /** @throws DOMException of getUserMedia; see {@link explainMicrophone} */
  static async open(events: MicrophoneEvents): Promise<Microphone> {
    if (navigator.mediaDevices === undefined) throw new DOMException('', 'SecurityError');
    // Everything else is ready before the microphone is: what is said right after the permission is not lost.
    const context = new AudioContext();
    const prepared = Promise.all([context.audioWorklet.addModule('capture-worklet.js'), context.resume()]);
    prepared.catch(() => undefined);
    let media: MediaStream | undefined;
    try {
      media = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
      await prepared;
      const node = new AudioWorkletNode(context, 'malgwi-capture', { numberOfOutputs: 0 });
      const lastPiece = new Promise<void>((resolve) => {
        node.port.onmessage = ({ data }: MessageEvent<CapturedPiece>) => {
          if (data.pcm.byteLength > 0) events.onPiece(data.pcm, data.level);
          if (data.last) resolve();
        };
      });
      context.createMediaStreamSource(media).connect(node);
      for (const track of media.getAudioTracks()) track.addEventListener('ended', () => events.onLost());
      return new Microphone(context, media, node, lastPiece);
    } catch (error) {
      for (const track of media?.getTracks() ?? []) track.stop();
      await context.close();
      throw error;
    }
  }

  /** Resolves when the last samples were delivered. */
  async stop(): Promise<void> {
    this.node.port.postMessage('stop');
    // A context that the browser suspended runs no worklet: it must not hold up the end.
    await Promise.race([this.lastPiece, new Promise((resolve) => setTimeout(resolve, 300))]);
    for (const track of this.media.getTracks()) track.stop();
    await this.context.close();
  }
}

/** Why the microphone could not be opened, and what helps. */
export function explainMicrophone(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
      return '마이크를 쓸 수 없습니다. 주소창 옆 자물쇠에서 이 페이지의 마이크를 허용한 뒤 다시 눌러 주세요.';
    case 'NotFoundError':
      return '마이크를 찾지 못했습니다. 마이크를 연결한 뒤 다시 눌러 주세요.';
    case 'NotReadableError':
      return '다른 프로그램이 마이크를 쓰고 있습니다. 그 프로그램을 닫고 다시 눌러 주세요.';
    case 'SecurityError':
      return '브라우저는 https 또는 localhost에서만 마이크를 허용합니다. 주소를 확인해 주세요.';
    default:
      return '마이크를 시작하지 못했습니다. 페이지를 새로 고친 뒤 다시 눌러 주세요.';
  }
}
