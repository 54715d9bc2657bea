import { Gauge, type Registry } from 'prom-client';
import type { InstalledModel } from '../recognition/contract.js';

/** The installed models, and what their packages state about themselves. */
export class ModelGauges {
  readonly #info: Gauge;
  readonly #baseline: Gauge;
  readonly #cer: Gauge;
  readonly #task: Gauge;
  readonly #speed: Gauge;

  constructor(registers: Registry[]) {
    const gauge = (name: string, help: string, labelNames: string[]): Gauge =>
      new Gauge({ name: `malgwi_model_${name}`, help, labelNames, registers });
    this.#info = gauge('info', 'Installed models; always 1.', [
      'model',
      'version',
      'family',
      'architecture',
      'language',
      'default',
    ]);
    this.#baseline = gauge(
      'baseline_cer_ratio',
      'Character error rate (without spaces) that the model package states for a set.',
      ['model', 'set'],
    );
    this.#cer = gauge(
      'stated_cer_ratio',
      'Character error rate (without spaces) that the model package states for a part of a set under a condition.',
      ['model', 'set', 'decoding', 'condition', 'part'],
    );
    this.#task = gauge(
      'stated_task_ratio',
      'Share of sentences that came out right, as the model package states it for a task under a condition.',
      ['model', 'task', 'condition'],
    );
    this.#speed = gauge(
      'stated_real_time_factor_ratio',
      'Processing time by audio time on one core, as the model package states it.',
      ['model', 'kind'],
    );
  }

  set(models: readonly InstalledModel[]): void {
    for (const gauge of [this.#info, this.#baseline, this.#cer, this.#task, this.#speed]) gauge.reset();
    for (const model of models) {
      const { name, version, family, architecture, language } = model;
      this.#info.set(
        { model: name, version, family, architecture, language, default: String(model.isDefault) },
        1,
      );
      this.#setStated(model);
    }
  }

  #setStated({ name: model, metrics, measurements }: InstalledModel): void {
    for (const { set, decoding, condition, edits, referenceCharacters, bySubset } of metrics) {
      if (referenceCharacters === 0) continue;
      const ratio = edits / referenceCharacters;
      // The baseline is what recordings as they are should give; noise would hide that they got worse.
      if (condition === undefined) this.#baseline.set({ model, set }, ratio);
      const labels = { model, set, decoding, condition: condition ?? 'clean' };
      this.#cer.set({ ...labels, part: 'all' }, ratio);
      for (const [part, counts] of Object.entries(bySubset ?? {})) {
        if (counts.referenceCharacters === 0) continue;
        this.#cer.set({ ...labels, part }, counts.edits / counts.referenceCharacters);
      }
    }
    for (const { task, condition, right, of } of measurements?.tasks ?? []) {
      if (of > 0) this.#task.set({ model, task, condition }, right / of);
    }
    for (const { kind, realTimeFactor } of measurements?.speed ?? []) {
      this.#speed.set({ model, kind }, realTimeFactor);
    }
  }
}
