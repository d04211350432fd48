"use strict";
// Where the names of points and lines go, so that none lies on another. No document in here.

/** Heights of labels as near to the wanted ones as a gap between neighbours and both ends allow. */
function apart(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const step = Math.min(gap, (high - low) / Math.max(1, order.length - 1));
  const placed = [...wanted];
  let groups = order.map((i) => ({ members: [i], middle: wanted[i] }));
  const half = (group) => (step * (group.members.length - 1)) / 2;
  const within = (group) => Math.min(high - half(group), Math.max(low + half(group), group.middle));
  for (let k = 0; k < groups.length; ) {
    const [one, next] = [groups[k], groups[k + 1]];
    one.middle = within(one);
    if (next && within(next) - half(next) - one.middle - half(one) < step - 1e-9) {
      const members = [...one.members, ...next.members];
      groups.splice(k, 2, { members, middle: sum(members.map((i) => wanted[i])) / members.length });
      k = Math.max(0, k - 1);
    } else k++;
  }
  groups.forEach((group) => group.members.forEach((i, k) => { placed[i] = group.middle - half(group) + step * k; }));
  return placed;
}

const overlap = (a, b) =>
  Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));

/** Places of a label around a point: {x, y} of its middle, its box, how far from the point. */
function candidates(point, width, height) {
  const found = [];
  for (const away of [10, 20, 32, 46, 62, 80, 100, 124]) {
    for (let k = 0; k < 24; k++) {
      const [c, s] = [Math.cos((k * Math.PI) / 12), Math.sin((k * Math.PI) / 12)];
      const x = point.x + c * away + (Math.abs(c) < 0.2 ? 0 : (Math.sign(c) * width) / 2);
      const y = point.y + s * (away + height / 2);
      found.push({ x, y, away, box: [x - width / 2, y - height / 2, x + width / 2, y + height / 2] });
    }
  }
  return found;
}

/** Points along the line from a point to its label. */
const leader = (point, place) => [0.15, 0.3, 0.45, 0.6, 0.75, 0.9].map((t) => {
  const x = Math.min(place.box[2], Math.max(place.box[0], point.x));
  return [point.x + t * (x - point.x), point.y + t * (place.y - point.y)];
});

/**
 * For each point {x, y, low, high} (pixels; low and high end its whisker) the middle of its label.
 * sizes: [width, height] of labels; frame: [width, height] that holds them all.
 */
function labelPlaces(points, sizes, frame) {
  const marks = points.map((p) => [p.x - 7, p.y - 7, p.x + 7, p.y + 7]);
  const whiskers = points.map((p) => [p.x - 1, p.high, p.x + 1, p.low]);
  const hit = (box, [x, y]) => x > box[0] - 3 && x < box[2] + 3 && y > box[1] - 3 && y < box[3] + 3;
  const places = points.map(() => null);
  /** What a place costs whatever the other labels do. */
  const fixed = (i, place) => {
    const outside = Math.max(0, -place.box[0]) + Math.max(0, place.box[2] - frame[0]) + Math.max(0, -place.box[1]) + Math.max(0, place.box[3] - frame[1]);
    place.line = leader(points[i], place);
    const crossed = sum(marks.map((m, k) => (k === i ? 0 : place.line.filter((at) => hit(m, at)).length)));
    return place.away + 20 * outside + 3 * sum(marks.map((m) => overlap(m, place.box))) + 24 * crossed +
      sum(whiskers.map((w) => overlap(w, place.box)));
  };
  /** What it costs beside the labels that have a place. */
  const beside = (i, place) => {
    const others = places.filter((other, k) => other && k !== i);
    return 3 * sum(others.map((o) => overlap(o.box, place.box))) +
      24 * sum(others.map((o) => place.line.filter((at) => hit(o.box, at)).length));
  };
  const cheapest = (i) => {
    let [best, least] = [null, Infinity];
    for (const place of choices[i]) {
      if (place.away >= least) break; // the nearest come first, and none costs less than its distance
      place.fixed ??= fixed(i, place);
      if (place.fixed >= least) continue;
      const whole = place.fixed + beside(i, place);
      if (whole < least) [best, least] = [place, whole];
    }
    return best;
  };
  const choices = points.map((p, i) => candidates(p, ...sizes[i]));
  for (let round = 0; round < 4; round++) {
    const old = [...places];
    points.forEach((_, i) => { places[i] = cheapest(i); });
    if (places.every((place, i) => place === old[i])) break;
  }
  return places;
}
