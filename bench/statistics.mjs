/** The value below which the share `q` (0 to 1) of `values` lies. */
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of every figure over several runs. */
export function medians(runs) {
  const figures = Object.keys(runs[0]);
  return Object.fromEntries(figures.map((key) => [key, median(runs.map((run) => run[key]))]));
}
