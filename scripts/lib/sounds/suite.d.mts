export function suite(): Iterable<{
  readonly name: string;
  readonly kind: string;
  readonly samples: Float32Array;
}>;
