"use strict";
// Statistics of the sweeps that the filters leave, as benchmark/scoring/statistics.py and
// benchmark/leaderboard/ranks.py compute them for all sweeps: means with intervals over subjects and
// trainings, paired differences, rank ranges; and mean drift curves. No document in here.

const LEVEL = 0.95;
const FEWEST_SUBJECTS = 5;

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => (values.length ? sum(values) / values.length : null);

function deviation(values) {
  if (values.length < 2) return null;
  const middle = mean(values);
  return Math.sqrt(sum(values.map((v) => (v - middle) ** 2)) / (values.length - 1));
}

// ---- Student's t ------------------------------------------------------------------------------

/** Logarithm of the gamma function at x > 0, by Stirling's series after shifting x above 8. */
function logGamma(x) {
  let shift = 0;
  for (; x < 8; x++) shift += Math.log(x);
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / x ** 2) / x ** 2) / x ** 2) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** Regularised incomplete beta function I_x(a, b), by the continued fraction of DLMF 8.17.22. */
function incompleteBeta(x, a, b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const power = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  let fraction = 1;
  for (let m = 60; m > 0; m--) {
    const odd = (-(a + m - 1) * (a + b + m - 1) * x) / ((a + 2 * m - 2) * (a + 2 * m - 1));
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    fraction = 1 + odd / (1 + even / fraction);
  }
  return power / (a * fraction);
}

/** Probability that Student's t is above a value. */
function tail(t, freedom) {
  const beyond = 0.5 * incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
  return t < 0 ? 1 - beyond : beyond;
}

/** The value that Student's t exceeds with half of what an interval leaves out. */
function quantileOfT(freedom) {
  let [low, high] = [0, 1];
  while (tail(high, freedom) > (1 - LEVEL) / 2) high *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (tail(middle, freedom) > (1 - LEVEL) / 2) low = middle;
    else high = middle;
  }
  return high;
}

// ---- means and differences --------------------------------------------------------------------

const toHall = (t, g) => t + (g * t ** 2) / 3 + (g ** 2 * t ** 3) / 27 + g / 6;
const fromHall = (z, g) => (Math.abs(g) < 1e-9 ? z : (3 / g) * (Math.cbrt(1 + g * (z - g / 6)) - 1));

/** Mean over subjects with the error that subjects and trainings make. */
function estimate(subjects, trainings) {
  const n = subjects.length;
  const value = mean(subjects);
  const parts = [[deviation(subjects) ** 2 / n, n - 1], ...trainings.filter((means) => means.length > 1)
    .map((means) => [deviation(means) ** 2 / means.length, means.length - 1])];
  const square = sum(parts.map(([part]) => part));
  if (square === 0) return { value, error: 0 };
  const third = sum(subjects.map((x) => (x - value) ** 3)) / (n * (n - 1) * (n - 2));
  return {
    value, error: Math.sqrt(square), skewness: third / square ** 1.5,
    freedom: square ** 2 / sum(parts.map(([part, freedom]) => part ** 2 / freedom)),
  };
}

function intervalOf({ value, error, freedom, skewness }) {
  if (error === 0) return { low: value, high: value };
  const q = quantileOfT(freedom);
  return {
    low: value - error * Math.max(q, fromHall(q, skewness)),
    high: value + error * Math.max(q, -fromHall(-q, skewness)),
  };
}

function pValue({ value, error, freedom, skewness }) {
  if (error === 0) return value === 0 ? 1 : 0;
  const t = value / error;
  const tails = [Math.abs(t), Math.sign(t) * toHall(t, skewness)].map((x) => tail(x, freedom));
  return Math.min(1, 2 * Math.max(...tails));
}

/** What each subject adds to the mean over sweeps; their mean is that mean. */
function contributions(scores, subjects) {
  const middle = mean(scores);
  const away = new Map();
  scores.forEach((score, i) => away.set(subjects[i], (away.get(subjects[i]) || 0) + score - middle));
  return [...away.values()].map((total) => middle + (total * away.size) / scores.length);
}

/** Mean, sd, interval and p of scores that come from tables (one list per training) of sweeps. */
function summaryOf(scores, tables, subjects) {
  const result = { mean: mean(scores), sd: deviation(scores), low: null, high: null, p: null };
  if (new Set(subjects).size < FEWEST_SUBJECTS) return result;
  const found = estimate(contributions(scores, subjects), tables.map((table) => table.map(mean)));
  return { ...result, ...intervalOf(found), p: pValue(found) };
}

/** Mean over trainings of each sweep; null where one has no score. */
const meanOverSeeds = (table) =>
  table[0].map((_, i) => (table.every((seed) => known(seed[i])) ? mean(table.map((seed) => seed[i])) : null));

/** Indices of the sweeps that have a score in every training of every table. */
const wholeSweeps = (tables, subjects) =>
  subjects.map((_, i) => i).filter((i) => tables.every((table) => table.every((seed) => known(seed[i]))));

const chosen = (table, kept) => table.map((seed) => kept.map((i) => seed[i]));

function summarise(table, subjects) {
  const whole = wholeSweeps([table], subjects);
  const part = chosen(table, whole);
  return summaryOf(meanOverSeeds(part), [part], whole.map((i) => subjects[i]));
}

/** First minus second over the sweeps that both have. */
function pairedDifference(first, second, subjects) {
  const whole = wholeSweeps([first, second], subjects);
  const parts = [first, second].map((table) => chosen(table, whole));
  const [one, other] = parts.map(meanOverSeeds);
  return summaryOf(one.map((value, i) => value - other[i]), parts, whole.map((i) => subjects[i]));
}

const negative = (value) => (known(value) ? -value : null);
const mirrored = (d) => ({ ...d, mean: negative(d.mean), low: negative(d.high), high: negative(d.low) });

// ---- pairs and ranks --------------------------------------------------------------------------

/** p-values corrected for their number by Holm's step-down method. */
function holm(values) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const corrected = [];
  let largest = 0;
  order.forEach((i, step) => {
    largest = Math.max(largest, values[i] * (values.length - step));
    corrected[i] = Math.min(1, largest);
  });
  return corrected;
}

/** All differences between rows {label, track, table}; Holm's correction within each track. */
function pairedDifferences(rows, subjects) {
  const paired = Object.fromEntries(rows.map((row) => [row.label, {}]));
  const pairs = rows.flatMap((one, i) => rows.slice(i + 1).map((other) => [one, other]));
  const found = pairs.map(([one, other]) => pairedDifference(one.table, other.table, subjects));
  const corrected = new Map();
  for (const track of new Set(rows.map((row) => row.track))) {
    const here = (row) => row.track === track || row.track === null;
    const family = pairs.map((_, i) => i).filter((i) => pairs[i].every(here) && known(found[i].p));
    holm(family.map((i) => found[i].p)).forEach((p, k) =>
      corrected.set(family[k], Math.max(p, corrected.get(family[k]) ?? 0)));
  }
  pairs.forEach(([one, other], i) => {
    const whole = { ...found[i], p_holm: corrected.get(i) ?? null };
    paired[one.label][other.label] = whole;
    paired[other.label][one.label] = mirrored(whole);
  });
  return paired;
}

/** Whether a paired difference is beyond chance. */
const isClear = (difference) => known(difference.p_holm) && difference.p_holm < 1 - LEVEL;

/** Best and worst rank that differences to the rivals leave open; sign: 1 where less is better. */
function rankRange(differences, sign) {
  const clear = differences.filter(isClear);
  const ahead = clear.filter((d) => sign * d.mean > 0).length;
  return [1 + ahead, 1 + differences.length - (clear.length - ahead)];
}

// ---- curves -----------------------------------------------------------------------------------

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
