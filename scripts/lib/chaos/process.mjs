/** A process of a chaos run: started, killed without a farewell, started again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';

export class Process {
  #child;

  /** @param log a file that its output is added to */
  constructor({ name, args, env = {}, log }) {
    this.name = name;
    this.args = args;
    this.env = env;
    this.log = openSync(log, 'a');
  }

  get alive() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async start() {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(MALGWI_|REDIS_URL$|PORT$|HOST$)/.test(name),
    );
    this.#child = spawn(process.execPath, this.args, {
      env: { ...Object.fromEntries(inherited), ...this.env },
      stdio: ['ignore', this.log, this.log],
    });
  }

  async kill(signal = 'SIGKILL') {
    if (!this.alive) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
