export function hasRedisServer(): boolean;
export function freePort(): Promise<number>;
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly pid: number | undefined;
  start(): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}
export function startRedis(options: {
  readonly dir: string;
  readonly appendfsync?: 'always' | 'everysec' | 'no';
  readonly args?: readonly string[];
}): Promise<RedisServer>;
