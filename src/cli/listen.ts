import { MalgwiError } from '../errors.js';

/** The usual mistakes when listening, in words; everything else as it is. */
export function explainListen(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} is taken. Choose another one with --port or PORT.`,
    EACCES: `Port ${port} needs more rights than this process has. Choose one above 1023.`,
    EADDRNOTAVAIL: `This machine has no address ${host}.`,
    ENOTFOUND: `This machine has no address ${host}.`,
  };
  const detail = code === undefined ? undefined : reasons[code];
  return detail === undefined ? error : new MalgwiError('config_invalid', { detail, cause: error });
}
