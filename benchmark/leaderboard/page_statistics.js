"use strict";
// Statistics of the sweeps that the filters leave: cluster bootstrap over subjects, rank ranges,
// paired differences, mean drift curves. No document in here.

const RESAMPLES = 2000;

/** Small seeded generator (mulberry32): the same filter always gives the same interval. */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => (values.length ? sum(values) / values.length : null);

function deviation(values) {
  if (values.length < 2) return null;
  const middle = mean(values);
  return Math.sqrt(sum(values.map((v) => (v - middle) ** 2)) / (values.length - 1));
}

function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** Mean with its 95 % interval; whole subjects are drawn, since sweeps of one are not independent. */
function clusterMean(values, subjects) {
  const clusters = new Map();
  values.forEach((value, i) => {
    if (!known(value)) return;
    const cluster = clusters.get(subjects[i]) || [0, 0];
    clusters.set(subjects[i], [cluster[0] + value, cluster[1] + 1]);
  });
  const present = values.filter(known);
  const result = { mean: mean(present), sd: deviation(present), count: present.length };
  const parts = [...clusters.values()];
  if (parts.length < 2) return { ...result, low: null, high: null };
  const random = generator(20250101);
  const means = new Float64Array(RESAMPLES);
  for (let b = 0; b < RESAMPLES; b++) {
    let total = 0;
    let count = 0;
    for (let k = 0; k < parts.length; k++) {
      const part = parts[Math.floor(random() * parts.length)];
      total += part[0];
      count += part[1];
    }
    means[b] = total / count;
  }
  means.sort();
  return { ...result, low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

/** Mean difference first minus second over the sweeps that both have. */
function pairedDifference(first, second, subjects) {
  const both = first.map((v, i) => (known(v) && known(second[i]) ? v - second[i] : null));
  return clusterMean(both, subjects);
}

/** Best and worst rank that the intervals leave open, lower being better. */
function rankRange(own, rivals) {
  if (!known(own.low)) return [1, 1 + rivals.length];
  const ahead = rivals.filter((rival) => known(rival.high) && rival.high < own.low).length;
  const behind = rivals.filter((rival) => known(rival.low) && rival.low > own.high).length;
  return [1 + ahead, 1 + rivals.length - behind];
}

function interpolate(xs, ys, x) {
  if (x > xs[xs.length - 1] + 1e-9) return null;
  let i = 1;
  while (i < xs.length - 1 && xs[i] < x) i++;
  const span = xs[i] - xs[i - 1];
  return span > 0 ? ys[i - 1] + ((x - xs[i - 1]) / span) * (ys[i] - ys[i - 1]) : ys[i];
}

/**
 * Mean drift against path, as far as half of the sweeps reach. Where a sweep ends, the curve goes
 * on with the mean growth of the others: a plain mean would jump because its members change.
 */
function meanCurve(curves, points = 60) {
  const usable = curves.filter((c) => c && c[0].length > 1);
  if (!usable.length) return [[], []];
  const ends = usable.map((c) => c[0][c[0].length - 1]).sort((a, b) => a - b);
  const end = ends[Math.floor((ends.length - 1) / 2)];
  const xs = Array.from({ length: points }, (_, i) => (end * i) / (points - 1));
  const rows = usable.map((c) => xs.map((x) => interpolate(c[0], c[1], x)));
  const ys = [mean(rows.map((row) => row[0]))];
  for (let i = 1; i < points; i++) {
    const growth = rows.filter((row) => known(row[i])).map((row) => row[i] - row[i - 1]);
    ys.push(ys[i - 1] + (mean(growth) ?? 0));
  }
  return [xs, ys];
}

/** Trackers that no other beats in both cost and error, by rising cost. */
function paretoFront(points) {
  let best = Infinity;
  return [...points]
    .sort((a, b) => a.x - b.x || a.y - b.y)
    .filter((point) => point.y < best && ((best = point.y), true));
}

/** The values of a factor over sweeps: numbers by size, words by alphabet. */
function factorValues(sweeps, factor) {
  const values = [...new Set(sweeps.map((s) => s.factors[factor]).filter((v) => v != null))];
  const numeric = values.every((v) => typeof v === "number");
  return values.sort(numeric ? (a, b) => a - b : (a, b) => String(a).localeCompare(String(b)));
}
