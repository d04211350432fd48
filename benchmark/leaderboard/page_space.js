"use strict";
// What can be turned in 3D: paths of the image centre, and volumes as three cuts.

const axisOf = (title, range) => ({
  title: { text: title, font: { size: 11, color: colour("--soft") } },
  tickfont: { size: 10, color: colour("--soft") }, nticks: 4,
  gridcolor: colour("--rule"), linecolor: colour("--strong-rule"), zeroline: false,
  backgroundcolor: colour("--paper"), showbackground: false, showspikes: false, range,
});

/** A scene with x to the right, z into the picture and y (depth) down, one scale on all axes. */
function sceneOf(ranges, size) {
  const longest = Math.max(...ranges.map((r) => r[1] - r[0]));
  const share = (i) => (size * (ranges[i][1] - ranges[i][0])) / longest;
  return {
    xaxis: axisOf("x (mm)", ranges[0]), yaxis: axisOf("z (mm)", ranges[2]), zaxis: axisOf("y (mm)", [...ranges[1]].reverse()),
    aspectmode: "manual", aspectratio: { x: share(0), y: share(2), z: share(1) },
    camera: { eye: { x: 1.5, y: -1.0, z: 0.6 }, center: { x: 0, y: 0, z: -0.06 } },
  };
}

function drawScene(element, label, traces, ranges, wide = 1.42) {
  const size = element.clientWidth < 420 ? 0.75 * wide : wide;
  draw(element, `${label}; the arrow keys turn it`, traces, {
    margin: { l: 0, r: 0, t: 0, b: 0 }, dragmode: "orbit", scene: sceneOf(ranges, size),
  });
  element.setAttribute("role", "application"); // so that screen readers hand the arrow keys on
  element.querySelector(".plot-container").setAttribute("aria-hidden", "true");
  element.tabIndex = 0;
  element.onkeydown = (event) => {
    const turn = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2] }[event.key];
    if (!turn) return;
    event.preventDefault();
    Plotly.relayout(element, { "scene.camera.eye": turned(element.layout.scene.camera.eye, ...turn) });
  };
}

/** An eye {x, y, z} turned about the upward axis and raised, by angles in radians. */
function turned({ x, y, z }, about, up) {
  const away = Math.hypot(x, y, z);
  const around = Math.atan2(y, x) + about;
  const raised = Math.min(1.5, Math.max(-1.5, Math.asin(z / away) + up));
  return { x: away * Math.cos(raised) * Math.cos(around), y: away * Math.cos(raised) * Math.sin(around), z: away * Math.sin(raised) };
}

/** True path of the image centre of a sweep, and paths {row, path} that rows predict. */
function drawSpace(element, sweep, predicted) {
  const line = (points, tone, name) => ({
    type: "scatter3d", mode: "lines", name: inert(name),
    x: points.map((p) => p[0]), y: points.map((p) => p[2]), z: points.map((p) => p[1]),
    line: { color: tone, width: 5 },
    hovertemplate: `${inert(name)}<br>x %{x:.1f}, y %{z:.1f}, z %{y:.1f} mm<extra></extra>`,
  });
  const ends = (points, tone) => ({
    type: "scatter3d", mode: "markers", hoverinfo: "skip", marker: { size: 3.5, color: tone },
    x: [points.at(-1)[0]], y: [points.at(-1)[2]], z: [points.at(-1)[1]],
  });
  const paths = [[sweep.true, colour("--ink"), "truth"], ...predicted.map(({ row, path }) => [path, rowColour(row), row.label])];
  const traces = [...paths.map((path) => line(...path)), ...paths.map(([points, tone]) => ends(points, tone))];
  const names = predicted.map(({ row }) => row.label).join(" and ");
  const told = predicted.map(({ row, path }) => `${row.label} ends ${distance(path.at(-1), sweep.true.at(-1)).toFixed(1)} mm from the true end`).join(", ");
  drawScene(element, `True path of sweep ${sweep.name} and that of ${names} in 3D: ${told}`, traces, spaceRanges(paths.flatMap(([points]) => points)));
}

const distance = (a, b) => Math.hypot(...a.map((value, i) => value - b[i]));

const pathLegend = (rows) => h("ul", { class: "legend", "aria-label": "Colours" }, h("li", { style: "--dot: var(--ink)" }, h("i"), "truth"),
  rows.map((row) => h("li", { style: `--dot: var(${row.colour})` }, h("i"), row.label)));

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

// ---- volumes ----------------------------------------------------------------------------------

/** Bytes of gzip in base64. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * The cut across one axis as a surface: grey levels where voxels are known, holes elsewhere.
 * voxels: levels, x fastest, 0 where nothing is known; size: voxels along x, y, z.
 */
function cut(voxels, { size, spacing_mm: mm }, axis, at) {
  const [right, down] = [[1, 2], [0, 2], [0, 1]][axis];
  const stride = [1, size[0], size[0] * size[1]];
  const range = (n) => Array.from({ length: n }, (_, i) => i);
  const grid = (f) => range(size[down]).map((j) => range(size[right]).map((i) => f(i, j)));
  const level = grid((i, j) => voxels[at * stride[axis] + i * stride[right] + j * stride[down]]);
  const place = (k) => grid((i, j) => mm[k] * (k === axis ? at : k === right ? i : j));
  const [x, y, z] = [0, 1, 2].map(place);
  const seen = (values) => values.map((line, j) => line.map((v, i) => (level[j][i] ? v : null)));
  return {
    type: "surface", x, y: z, z: seen(y), surfacecolor: level, cmin: 1, cmax: 255, colorscale: "Greys",
    showscale: false, hoverinfo: "skip", lighting: { ambient: 1, diffuse: 0, specular: 0, fresnel: 0 },
    contours: { x: { highlight: false }, y: { highlight: false }, z: { highlight: false } },
  };
}

/** Volumes of one grid beside each other, turned together, with a slider for each of three cuts. */
async function turnVolumes(parent, volume) {
  const { size, spacing_mm: mm } = volume;
  const levels = await Promise.all(volume.shown.map((one) => unpacked(one.voxels)));
  const at = size.map((n) => Math.floor(n / 2));
  const traces = (k) => [0, 1, 2].map((axis) => cut(levels[k], volume, axis, at[axis]));
  const grid = h("div", { class: "grid" });
  const place = (axis) => `${significant(at[axis] * mm[axis], 3)} mm`;
  const sliders = ["x", "y", "z"].map((name, axis) => h("label", { class: "inline" }, `cut across ${name}`,
    h("input", { type: "range", min: "0", max: String(size[axis] - 1), value: String(at[axis]), "aria-valuetext": place(axis), oninput: (event) => {
      at[axis] = Number(event.target.value);
      event.target.setAttribute("aria-valuetext", place(axis));
      elements.forEach((element, k) => Plotly.react(element, traces(k), element.layout));
    } })));
  parent.replaceChildren(h("div", { class: "filters", role: "group", "aria-label": "Cuts" }, sliders), grid);
  parent.querySelector("input").focus(); // the button that was pressed is gone
  const ranges = size.map((n, i) => [0, (n - 1) * mm[i]]);
  const elements = volume.shown.map(({ name }, k) => {
    const box = h("div", {}, h("h3", {}, name));
    grid.append(box);
    const element = chart(box, "space");
    drawScene(element, `Volume by ${name}, three cuts`, traces(k), ranges, 1);
    return element;
  });
  elements.forEach((element) => element.on("plotly_relayout", (change) => {
    const eye = change["scene.camera"]?.eye || change["scene.camera.eye"];
    if (!eye) return;
    elements.filter((other) => other !== element && JSON.stringify(other.layout.scene.camera.eye) !== JSON.stringify(eye))
      .forEach((other) => Plotly.relayout(other, { "scene.camera.eye": eye }));
  }));
}
