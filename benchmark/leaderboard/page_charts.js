"use strict";
// Charts: each function draws into an element. Colours come from the style sheet, so that light,
// dark and print are decided in one place.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rowColour = (row) => colour(row.colour);

/** Plotly reads a little HTML in texts; a name must stay a name. */
const inert = (text) =>
  String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function axis(title, more = {}) {
  return {
    title: { text: inert(title), font: { size: 12, color: colour("--soft") }, standoff: 12 },
    tickfont: { size: 11.5, color: colour("--soft") },
    gridcolor: colour("--rule"),
    linecolor: colour("--strong-rule"),
    zerolinecolor: colour("--strong-rule"),
    fixedrange: true,
    automargin: true,
    ...more,
  };
}

function draw(element, label, traces, layout) {
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  const base = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, color: colour("--ink"), size: 12 },
    margin: { l: 52, r: 14, t: 14, b: 46 },
    showlegend: false,
    hovermode: "closest",
    dragmode: false,
    hoverlabel: {
      bgcolor: colour("--raised"),
      bordercolor: colour("--strong-rule"),
      font: { color: colour("--ink"), size: 12 },
      align: "left",
    },
  };
  const settings = { displayModeBar: false, responsive: true };
  return Plotly.newPlot(element, traces, { ...base, ...layout }, settings);
}

function lineStyle(row, width = 2.2) {
  return { color: rowColour(row), width, dash: row.kind === "reference" ? "dot" : "solid" };
}

/** Error against the time that a frame takes; the stepped line joins what nothing else beats. */
function drawPareto(element, points, metric) {
  const front = paretoFront(points.filter((p) => p.row.kind !== "reference" && !p.incomplete));
  const across = logRange(points.map((p) => p.x), 0.16);
  const up = logRange(points.flatMap((p) => [p.low, p.y, p.high]).filter((v) => known(v) && v > 0), 0.1);
  const size = element.clientWidth < 420 ? 10.5 : 12;
  const places = labelPlaces(points, across, up, element.clientWidth - 70, element.clientHeight - 60, size);
  const traces = [
    {
      x: front.map((p) => p.x), y: front.map((p) => p.y), mode: "lines", hoverinfo: "skip",
      line: { shape: "hv", color: colour("--strong-rule"), width: 1.2 },
    },
    ...points.map((p, i) => ({
      x: [p.x], y: [p.y], mode: "markers+text", text: [inert(p.row.label)],
      textposition: places[i], textfont: { size, color: colour("--ink") }, cliponaxis: false,
      marker: {
        color: rowColour(p.row), size: 10,
        symbol: p.row.kind === "reference" ? "circle-open" : "circle", line: { width: 2, color: rowColour(p.row) },
      },
      error_y: {
        type: "data", symmetric: false, visible: known(p.high), thickness: 1.3, width: 0,
        array: [(p.high ?? p.y) - p.y], arrayminus: [p.y - (p.low ?? p.y)], color: rowColour(p.row),
      },
      hovertemplate: `<b>${inert(p.row.label)}</b><br>${format(p.y, metric)} ${inert(metric.unit)}` +
        `<br>${significant(p.x)} ms per frame<extra></extra>`,
    })),
  ];
  const x = axis("milliseconds per frame, logarithmic", {
    type: "log", range: across, dtick: 1, zeroline: false,
  });
  const y = axis(`${withUnit(metric)}, logarithmic`, { type: "log", range: up, dtick: "D2", zeroline: false });
  draw(element, `${metric.label} against milliseconds per frame`, traces, { xaxis: x, yaxis: y });
}

/** Decades that hold all values, with room on both sides. */
function logRange(values, room) {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const margin = Math.max(room * (high - low), 0.15);
  return [low - margin, high + margin];
}

/** For each point the side on which its label meets the fewest others and stays within the chart. */
function labelPlaces(points, across, up, width, height, size) {
  const at = points.map((p) => ({
    x: ((Math.log10(p.x) - across[0]) / (across[1] - across[0])) * width,
    y: ((up[1] - Math.log10(p.y)) / (up[1] - up[0])) * height,
  }));
  const taken = at.map(({ x, y }) => [x - 7, y - 9, x + 7, y + 9]);
  const overlap = (a, b) =>
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  return points.map((p, i) => {
    const { x, y } = at[i];
    const w = 0.53 * size * p.row.label.length;
    const boxes = {
      "top center": [x - w / 2, y - 24, x + w / 2, y - 8], "bottom center": [x - w / 2, y + 8, x + w / 2, y + 24],
      "middle right": [x + 10, y - 8, x + 10 + w, y + 8], "middle left": [x - 10 - w, y - 8, x - 10, y + 8],
    };
    const cost = (box) => sum(taken.map((other, k) => (k === i ? 0 : overlap(box, other)))) +
      20 * (Math.max(0, -box[0]) + Math.max(0, box[2] - width));
    const best = Object.keys(boxes).reduce((a, b) => (cost(boxes[b]) < cost(boxes[a]) ? b : a));
    taken.push(boxes[best]);
    return best;
  });
}

/** Mean drift against true path length, one line per tracker. */
function drawDrift(element, lines) {
  const traces = lines.map(({ row, curve }) => ({
    x: curve[0], y: curve[1], mode: "lines", name: inert(row.label), line: lineStyle(row),
    hovertemplate: `<b>${inert(row.label)}</b><br>%{y:.2f} mm after %{x:.1f} mm<extra></extra>`,
  }));
  draw(element, "Mean drift against true path length, per tracker", traces, {
    xaxis: axis("true path length (mm)", { rangemode: "tozero", showgrid: false }),
    yaxis: axis("position error of the image centre (mm)", { rangemode: "tozero" }),
  });
}

/** Drift of every sweep of one tracker, thin, and their mean. */
function drawSweepDrift(element, row, sweeps) {
  const thin = sweeps.map(({ name, curve }) => ({
    x: curve[0], y: curve[1], mode: "lines", opacity: 0.4, line: { color: rowColour(row), width: 1 },
    hovertemplate: `${inert(name)}<br>%{y:.2f} mm after %{x:.1f} mm<extra></extra>`,
  }));
  const middle = meanCurve(sweeps.map((s) => s.curve));
  const thick = {
    x: middle[0], y: middle[1], mode: "lines", line: { color: rowColour(row), width: 3 },
    hovertemplate: "mean<br>%{y:.2f} mm after %{x:.1f} mm<extra></extra>",
  };
  draw(element, `Drift of every sweep of ${row.label}`, [...thin, thick], {
    xaxis: axis("true path length (mm)", { rangemode: "tozero", showgrid: false }),
    yaxis: axis("position error (mm)", { rangemode: "tozero" }),
  });
}

/**
 * Bias (narrow, full) within noise (wide, pale) per degree of freedom and tracker.
 * groups: [{label, bias, noise}] of metrics; value(row, metric) gives a size.
 */
function drawBiasNoise(element, rows, groups, unit, value) {
  const step = 0.8 / rows.length;
  const place = (r, g) => g - 0.4 + step * (r + 0.5);
  const traces = rows.flatMap((row, r) =>
    ["noise", "bias"].map((part) => ({
      type: "bar",
      x: groups.map((_, g) => place(r, g)),
      y: groups.map((group) => value(row, group[part])),
      width: step * (part === "noise" ? 0.86 : 0.4),
      marker: { color: rowColour(row), opacity: part === "noise" ? 0.32 : 1 },
      hovertemplate: groups.map((group) =>
        `<b>${inert(row.label)}</b><br>${part}, ${inert(group.label)}: %{y:.3~g} ${inert(unit)}<extra></extra>`),
    })),
  );
  const ticks = { tickvals: groups.map((_, g) => g), ticktext: groups.map((g) => inert(g.label)) };
  draw(element, `Bias and noise of the steps in ${unit}`, traces, {
    barmode: "overlay",
    xaxis: axis("", { ...ticks, showgrid: false, zeroline: false, range: [-0.5, groups.length - 0.5] }),
    yaxis: axis(`error per step (${unit})`, { rangemode: "tozero" }),
  });
}

/** Error against the value of one factor, one line with intervals per tracker. */
function drawFactor(element, lines, factor, metric) {
  const values = factor.points.map((p) => p.x);
  const text = factor.points.map((p) => (known(p.level) ? `${p.x}<br>(${significant(p.level, 3)})` : String(p.x)));
  const ticks = values.length <= 8 ? { tickvals: values, ticktext: text } : {};
  const name = factor.points.some((p) => known(p.level)) ? "severity (level)" : factor.label;
  const traces = lines.map(({ row, points }) => ({
    x: points.map((p) => p.x), y: points.map((p) => p.mean), mode: "lines+markers",
    line: lineStyle(row, 2), marker: { size: 6, color: rowColour(row) },
    error_y: {
      type: "data", symmetric: false, thickness: 1, width: 0, color: rowColour(row),
      array: points.map((p) => (known(p.high) ? p.high - p.mean : 0)),
      arrayminus: points.map((p) => (known(p.low) ? p.mean - p.low : 0)),
    },
    hovertemplate: `<b>${inert(row.label)}</b><br>${inert(factor.label)} %{x}<br>%{y:.3~g} ${inert(metric.unit)}<extra></extra>`,
  }));
  draw(element, `${metric.label} against ${factor.label}`, traces, {
    xaxis: axis(name, { ...ticks, showgrid: false, zeroline: false }),
    yaxis: axis(withUnit(metric), { rangemode: "tozero" }),
  });
}

/** True and predicted path of the image centre in 3D, one scale on all axes. */
function drawSpace(element, row, truth, predicted) {
  const line = (points, width, tone, name) => ({
    type: "scatter3d", mode: "lines", name,
    x: points.map((p) => p[0]), y: points.map((p) => p[2]), z: points.map((p) => p[1]),
    line: { color: tone, width },
    hovertemplate: `${inert(name)}<br>x %{x:.1f}, y %{z:.1f}, z %{y:.1f} mm<extra></extra>`,
  });
  const ends = (points, tone) => ({
    type: "scatter3d", mode: "markers", hoverinfo: "skip", marker: { size: 3.5, color: tone },
    x: [points.at(-1)[0]], y: [points.at(-1)[2]], z: [points.at(-1)[1]],
  });
  const ranges = spaceRanges([...truth, ...predicted]);
  const side = (title, i, flip) => ({
    title: { text: title, font: { size: 11, color: colour("--soft") } },
    tickfont: { size: 10, color: colour("--soft") }, nticks: 4,
    gridcolor: colour("--rule"), linecolor: colour("--strong-rule"), zeroline: false,
    backgroundcolor: colour("--paper"), showbackground: false, showspikes: false,
    range: flip ? [...ranges[i]].reverse() : ranges[i],
  });
  const longest = Math.max(...ranges.map((r) => r[1] - r[0]));
  const share = (i) => (1.42 * (ranges[i][1] - ranges[i][0])) / longest;
  const tones = [colour("--ink"), rowColour(row)];
  const traces = [
    line(truth, 5, tones[0], "truth"), line(predicted, 5, tones[1], row.label),
    ends(truth, tones[0]), ends(predicted, tones[1]),
  ];
  draw(element, `True and predicted path of ${row.label} in 3D`, traces, {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    dragmode: "orbit",
    scene: {
      xaxis: side("x (mm)", 0), yaxis: side("z (mm)", 2), zaxis: side("y (mm)", 1, true),
      aspectmode: "manual", aspectratio: { x: share(0), y: share(2), z: share(1) },
      camera: { eye: { x: 1.5, y: -1.0, z: 0.6 }, center: { x: 0, y: 0, z: -0.06 } },
    },
  });
}

/** Ranges (mm) of x, y, z that hold all points; thin directions get room but the same scale. */
function spaceRanges(points) {
  const spans = [0, 1, 2].map((i) => {
    const values = points.map((p) => p[i]);
    return [Math.min(...values), Math.max(...values)];
  });
  const longest = Math.max(...spans.map((s) => s[1] - s[0]), 0.01);
  return spans.map(([low, high]) => {
    const half = Math.max((high - low) / 2, 0.2 * longest) * 1.08;
    return [(low + high) / 2 - half, (low + high) / 2 + half];
  });
}
