/** The recogniser as the command line uses it: same models and threads as the service, no limits for one's own files. */
import type { Config } from '../config.js';
import type { Recognizer } from '../recognition/contract.js';
import { errorLine } from './errors.js';

/**
 * Starts the worker threads with the default model loaded. Close it in every case: its threads keep the process alive.
 * @throws MalgwiError of the models directory or the default model
 */
export async function startRecognizer(config: Config): Promise<Recognizer> {
  const { createRecognizer } = await import('../recognition/index.js');
  const recognizer = await createRecognizer({
    modelsDir: config.models.dir,
    defaultModel: config.models.default,
    workers: config.workers.count,
    queueLimit: config.workers.queueLimit,
    onInternalError: (method, stack) =>
      process.stderr.write(`${errorLine(new Error(`${method}: ${stack}`))}\n`),
  });
  try {
    await recognizer.start();
    return recognizer;
  } catch (error) {
    await recognizer.close();
    throw error;
  }
}
