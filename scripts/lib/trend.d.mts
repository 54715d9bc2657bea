export function trend(
  x: readonly number[],
  y: readonly number[],
): { readonly mean: number; readonly rise: number; readonly error: number };
