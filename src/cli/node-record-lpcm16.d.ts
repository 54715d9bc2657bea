/** The package brings no types; these are the parts in use (version 1.0.1). */
declare module 'node-record-lpcm16' {
  import type { ChildProcess } from 'node:child_process';
  import type { Readable } from 'node:stream';

  export interface RecordOptions {
    readonly recorder?: 'sox' | 'rec' | 'arecord';
    readonly sampleRate?: number;
    readonly channels?: number;
    readonly audioType?: 'wav' | 'raw';
    readonly device?: string;
  }

  export interface Recording {
    readonly process: ChildProcess;
    stream(): Readable;
    stop(): void;
  }

  const library: { record(options?: RecordOptions): Recording };
  export default library;
}
