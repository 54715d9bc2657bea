import type { VARIABLES } from '../src/config/variables.js';
import type { ERRORS } from '../src/errors.js';
import type { Metrics } from '../src/metrics/index.js';

export interface DescribedMetric {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly type: string;
}
export function errorsTable(errors: typeof ERRORS): string;
export function configurationTable(variables: typeof VARIABLES): string;
export function metricsTable(metrics: readonly DescribedMetric[]): string;
export function describeMetrics(metrics: Metrics): DescribedMetric[];
export function watchNothing(metrics: Metrics): void;
export function fill(page: string, name: string, content: string): string;
