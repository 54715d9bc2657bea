export interface HostileProtocol {
  readonly path: () => string;
  readonly frame: () => string | Buffer;
  readonly greeting: () => (string | Buffer)[];
  readonly farewell: string | undefined;
}
export function hostileProtocols(
  random: () => number,
): Record<'stream' | 'realtime' | 'deepgram' | 'vosk', HostileProtocol>;
