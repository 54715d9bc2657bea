import type { FastifyInstance } from 'fastify';
import { MalgwiError } from '../errors.js';
import type { InstalledModel } from '../recognition/contract.js';

/**
 * The installed model that a request means: by name, by alias (MALGWI_MODEL_ALIASES), or the default one.
 * A name that is none of these is refused, never replaced: a caller must know which model answered.
 * @throws MalgwiError model_not_found
 */
export function resolveModel(app: FastifyInstance, name: string | undefined): InstalledModel {
  const { aliases } = app.config.models;
  const models = app.recognizer.models();
  const exact = models.find((model) => model.name === name);
  if (exact !== undefined) return exact;
  const wanted =
    name === undefined || name === '' ? '' : Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  const target = wanted === '' ? app.recognizer.defaultModel : wanted;
  const found = target === undefined ? undefined : models.find((model) => model.name === target);
  if (found === undefined) {
    throw new MalgwiError('model_not_found', {
      detail: `No model of this name is installed. GET /v1/models lists those that are.`,
      param: 'model',
    });
  }
  return found;
}
