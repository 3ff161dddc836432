// The explorer's pictures. This file draws; Python computes (compute.py), in the kernel of a live notebook or in
// the page's own engine: `model.send` asks, "msg:custom" answers. There is no rule and no surface in here.

export default { render };

function render({ model, el }) {
  const gone = new AbortController();
  const message = h("p", { class: "message", role: "status" });
  const view = {
    model,
    el,
    signal: gone.signal,
    page: Boolean(model.get("page")), // on a page of the book, and not in a live notebook
    say(text, wrong = false) {
      message.textContent = text;
      message.className = wrong ? "message wrong" : "message";
    },
    /** A complaint that no answer takes away, but the reader's next click. */
    insist(text) {
      view.say(text, true);
      message.classList.add("lasting");
    },
    /** Takes a complaint away, unless it is about a field that still holds what was typed. */
    hush() {
      if (message.matches(".wrong:not(.lasting)") && !el.querySelector("input[aria-invalid]")) view.say("");
    },
    ...conversation(model, gone.signal),
  };
  el.classList.add("explorer");
  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own: the arrow keys here do not move its cells
  const { elements, begin } = model.get("kind") === "averages" ? averages(view) : race(view);
  el.addEventListener("input", () => message.matches(".wrong") || view.say(""), { signal: gone.signal });
  const forgive = () => message.matches(".lasting") && view.say("");
  el.addEventListener("click", forgive, { signal: gone.signal, capture: true });
  el.replaceChildren(...elements, message);
  begin();
  return () => gone.abort();
}

// ---- Talking to Python

const PATIENCE = 15000; // milliseconds until a request counts as lost

function conversation(model, signal) {
  const name = Math.random().toString(36).slice(2);
  const listeners = new Map();
  let count = 0;

  const hear = (answer) => listeners.get(answer?.id)?.(answer);
  model.on("msg:custom", hear);
  signal.addEventListener("abort", () => model.off("msg:custom", hear));

  /** Asks, and hears answers until one is an error or `listen` returns true; returns what ends that. */
  function follow(request, listen) {
    const id = `${name}-${++count}`;
    let timer;
    const end = () => {
      clearTimeout(timer);
      listeners.delete(id);
    };
    const lost = () => hearOne({ error: { message: "No answer: is the kernel busy or gone?" } });
    const hearOne = (answer) => {
      end();
      if (!listen(answer) && !answer.error) wait();
    };
    const wait = () => {
      listeners.set(id, hearOne);
      timer = setTimeout(lost, PATIENCE);
    };
    wait();
    model.send({ ...request, id });
    return end;
  }

  const ask = (request) => new Promise((answered) => follow(request, (answer) => (answered(answer), true)));

  /** A function that asks for what `make` then makes: one request at a time, and of the later wishes only the last. */
  function newest(make, answered) {
    let wished = false;
    let busy = false;
    return async () => {
      wished = true;
      if (busy) return;
      busy = true;
      try {
        while (wished) {
          wished = false;
          answered(await ask(make()));
        }
      } finally {
        busy = false;
      }
    };
  }
  return { ask, follow, newest };
}

/** At the reader's first touch the engine starts, and the numbers come that the page does not carry. */
function wakeUp({ el }, act) {
  const wake = () => {
    el.removeEventListener("pointerenter", wake);
    el.removeEventListener("focusin", wake);
    act();
  };
  el.addEventListener("pointerenter", wake);
  el.addEventListener("focusin", wake);
}

// ---- Small tools

const SVG = "http://www.w3.org/2000/svg";
const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);
const path = (name, d, more) => s("path", { class: name, d, ...more });
const words = (name, x, y, text) => s("text", { class: name, x: pixel(x), y: pixel(y) }, text);

/** Functions become listeners; true and false, attributes that are there or not. */
function build(node, attributes = {}, children = []) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null));
  return node;
}

let ids = 0;
const family = Math.random().toString(36).slice(2); // a notebook loads this file once for every widget
const fresh = () => `explorer-${family}-${++ids}`;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const round = (value, digits) => Number(value.toPrecision(digits));
const finite = (value) => typeof value === "number" && Number.isFinite(value);

function show(value, digits = 4) {
  if (!finite(value)) return "not finite";
  if (value === 0 || Math.abs(value) >= 1e-3) return String(round(value, digits));
  return value.toExponential(digits - 1).replace(/\.?0*e/, "e");
}

const point = (w) => `(${w.map((value) => show(value)).join(", ")})`;
const pixel = (value) => value.toFixed(1);
const line = (points) => (points.length ? `M${points.map((p) => p.map(pixel).join(" ")).join("L")}` : "");
const range = (first, last, step = 1) =>
  Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, k) => first + k * step);
const except = (object, names) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

function later(milliseconds, act) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, milliseconds);
  };
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

// ---- Marks: each run has a color (in the style sheet), a marker and a dash, so that color never stands alone

const DASHES = ["none", "6 3", "6 3 1.5 3", "1.5 3", "10 3", "10 3 1.5 3 1.5 3"];
const SHAPES = [
  null, // a circle
  [-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9],
  [0, -1.2, 1.1, 0.8, -1.1, 0.8],
  [0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0],
  [0, 1.2, 1.1, -0.8, -1.1, -0.8],
  [-1, -1, 1, -1, -1, 1, 1, 1],
];
const MOST_RUNS = SHAPES.length;
const STAR = [
  0, -10, 2.5, -3.4, 9.5, -3.1, 4, 1.3, 5.9, 8.1, 0, 4.2, -5.9, 8.1, -4, 1.3, -9.5, -3.1, -2.5, -3.4,
];

function glyph(shape, [x, y], r) {
  if (!shape) return `M${pixel(x - r)} ${pixel(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  return `${line(range(0, shape.length - 2, 2).map((k) => [x + r * shape[k], y + r * shape[k + 1]]))}z`;
}

const cross = ([x, y], r) =>
  `M${pixel(x - r)} ${pixel(y - r)}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;

function swatch(slot) {
  return s(
    "svg",
    { class: `swatch run-${slot}`, viewBox: "0 0 28 12", "aria-hidden": "true" },
    path("curve", "M1 6H27", { "stroke-dasharray": DASHES[slot] }),
    path("marks", glyph(SHAPES[slot], [14, 6], 4)),
  );
}

// ---- Level lines: rings around all that lies below a level, by marching squares

const LEVELS = 15;

function levelLines(values) {
  const sorted = values
    .flat()
    .filter(finite)
    .sort((a, b) => a - b);
  const levels = range(1, LEVELS - 1).map((k) => sorted[Math.round((k / LEVELS) * (sorted.length - 1))]);
  return s(
    "svg",
    { class: "surface", viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" },
    levels.reverse().map((level) => path("level", rings(values, level))),
  );
}

function rings(values, level) {
  const n = values.length;
  const at = (i, j) => values[i]?.[j] ?? Infinity;
  const edge = (i, j, upward) => 2 * ((i + 1) * (n + 2) + j + 1) + upward;
  const next = new Map(); // from the side where a ring enters a square to the one where it leaves
  for (const i of range(-1, n - 1))
    for (const j of range(-1, n - 1)) {
      const corners = [at(i, j), at(i, j + 1), at(i + 1, j + 1), at(i + 1, j)];
      const sides = [edge(i, j, 0), edge(i, j + 1, 1), edge(i + 1, j, 0), edge(i, j, 1)];
      const below = corners.map((corner) => corner < level);
      for (const k of range(0, 3)) {
        if (!below[k] || below[(k + 1) % 4]) continue; // going around, what lies below ends here,
        let start = k; // having begun where one goes back to; in a saddle whose middle is below, at the other side
        while (below[start]) start = (start + 3) % 4;
        const saddle = below[(k + 2) % 4] && !below[(k + 3) % 4];
        const middle = corners.reduce((sum, corner) => sum + corner) / 4;
        if (saddle && middle < level) start = (start + 2) % 4;
        next.set(sides[k], sides[start]);
      }
    }
  const place = (key) => {
    const upward = key % 2;
    const i = Math.floor(key / 2 / (n + 2)) - 1;
    const j = (Math.floor(key / 2) % (n + 2)) - 1;
    const [a, b] = [at(i, j), upward ? at(i + 1, j) : at(i, j + 1)];
    const t = a === Infinity ? 0 : b === Infinity ? 1 : (level - a) / (b - a);
    const square = 1000 / (n - 1);
    return [(j + (upward ? 0 : t)) * square, 1000 - (i + (upward ? t : 0)) * square];
  };
  let all = "";
  while (next.size) {
    const ring = [];
    let [key] = next.keys();
    while (next.has(key)) {
      ring.push(place(key).map(Math.round).join(" "));
      const following = next.get(key);
      next.delete(key);
      key = following;
    }
    all += `M${ring.join("L")}z`;
  }
  return all;
}

// ---- Plots: a box with axes, drawn anew when the box or the data change

const MARGIN = { left: 54, right: 10, top: 8, bottom: 36 }; // as in the style sheet

const percent = (part, whole) => `${(100 * part) / whole}%`;

function plot(name, paint, ...over) {
  const back = s("g");
  const inner = s("svg", { x: MARGIN.left, y: MARGIN.top });
  const svg = s("svg", { role: "img" }, back, inner);
  const box = h("div", { class: `plot ${name}` }, svg, over);
  const self = { box, svg, inner, axes, size: null, draw: () => self.size && paint(self) };
  new ResizeObserver(() => {
    const width = box.clientWidth - MARGIN.left - MARGIN.right;
    const height = box.clientHeight - MARGIN.top - MARGIN.bottom;
    if (width <= 0 || height <= 0) return;
    self.size = { width, height };
    svg.setAttribute("viewBox", `0 0 ${box.clientWidth} ${box.clientHeight}`);
    // Shares of the box, for it is printed in another size than it is drawn in.
    for (const side of ["left", "right"])
      box.style.setProperty(`--${side}`, percent(MARGIN[side], box.clientWidth));
    for (const side of ["top", "bottom"])
      box.style.setProperty(`--${side}`, percent(MARGIN[side], box.clientHeight));
    build(inner, self.size);
    self.draw();
  }).observe(box);

  /** Each axis has a `label` and `marks`, pairs of a position and a text. */
  function axes(x, y) {
    const { width, height } = self.size;
    const { left, top } = MARGIN;
    const bottom = top + height;
    const up = { class: "middle label", transform: `translate(10 ${top + height / 2}) rotate(-90)` };
    back.replaceChildren(
      s("rect", { class: "frame", x: left, y: top, width, height }),
      ...x.marks.map(([at]) => path("tick", `M${pixel(left + at)} ${bottom}v4`)),
      ...x.marks.map(([at, text]) => words("middle", left + at, bottom + 16, text)),
      ...y.marks.map(([at]) => path("tick", `M${left} ${pixel(top + at)}h-4`)),
      ...y.marks.map(([at, text]) => words("end", left - 7, top + at + 4, text)),
      words("middle label", left + width / 2, bottom + 32, x.label),
      s("text", up, y.label),
    );
  }
  return self;
}

const scale = ([a, b], [p, q]) => {
  const at = (value) => p + ((value - a) / (b - a)) * (q - p);
  at.back = (position) => a + ((position - p) / (q - p)) * (b - a);
  return at;
};

function ticks(low, high, count) {
  const power = 10 ** Math.floor(Math.log10((high - low) / count));
  const step = power * ([1, 2, 5].find((factor) => factor * power * count >= (high - low) * 0.999) ?? 10);
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  return range(first, last).map((k) => round(k * step, 12));
}

function numberAxis(label, ends, positions, count) {
  const at = scale(ends, positions);
  return { label, at, marks: ticks(...ends, Math.max(count, 2)).map((tick) => [at(tick), show(tick)]) };
}

/** Marks at powers of ten; what is not above zero lies at the lower end. */
function logAxis(label, ends, positions, count) {
  const [low, high] = ends.map(Math.log10);
  const exponent = scale([low, high], positions);
  const raised = (k) => String(k).replace(/./g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] ?? "⁻");
  const marks = range(Math.ceil(low), high, Math.max(1, Math.ceil((high - low) / count)));
  return {
    label,
    at: (value) => (value > 0 ? exponent(Math.log10(value)) : positions[0]),
    marks: marks.map((k) => [exponent(k), `10${raised(k)}`]),
  };
}

/** Where the pointer is within the frame of a plot. */
function position(event, box) {
  const { left, top } = box.getBoundingClientRect();
  return [event.clientX - left - MARGIN.left, event.clientY - top - MARGIN.top];
}

/** Pressing on a plot, and dragging there, seeks; `seek` gets a share of the width. */
function seekable({ svg, box, ...self }, seek) {
  const go = (event) => seek(position(event, box)[0] / (box.clientWidth - MARGIN.left - MARGIN.right));
  svg.addEventListener("pointerdown", (event) => (svg.setPointerCapture(event.pointerId), go(event)));
  svg.addEventListener("pointermove", (event) => event.buttons && go(event));
  return self;
}

/** A point to be moved by pointer or arrow keys: a slider of two dimensions over a plot. */
function handle(kind, label, move) {
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const element = h("div", {
    class: `handle ${kind}`,
    role: "slider",
    tabindex: 0,
    "aria-label": label,
    "aria-valuenow": 0,
    keydown(event) {
      if (!ARROWS[event.key]) return;
      event.preventDefault();
      move.by(...ARROWS[event.key].map((part) => part * (event.shiftKey ? 5 : 1)));
    },
    pointerdown(event) {
      event.preventDefault();
      element.focus();
      element.setPointerCapture(event.pointerId);
    },
    pointermove(event) {
      if (element.hasPointerCapture(event.pointerId)) move.to(...position(event, element.parentNode));
    },
  });
  function place(x, y, { width, height }, value, text) {
    const { left, right, top, bottom } = MARGIN;
    element.style.left = percent(left + x, left + width + right);
    element.style.top = percent(top + y, top + height + bottom);
    build(element, { "aria-valuenow": value, "aria-valuetext": text });
  }
  return { element, place };
}

// ---- Controls

const button = (text, click, more) => h("button", { type: "button", click, ...more }, text);
const field = (id, label, ...controls) =>
  h("span", { class: "field" }, h("label", { for: id }, label), controls);

const ICONS = {
  play: "M3 1.5v11l9-5.5z",
  pause: "M3 2h3v10H3zM8 2h3v10H8z",
  back: "M3 2h2v10H3zM12 2v10L5.5 7z",
  forward: "M9 2h2v10H9zM2 2v10l6.5-5z",
  remove: "M3 1.5 1.5 3l4 4-4 4L3 12.5l4-4 4 4 1.5-1.5-4-4 4-4L11 1.5l-4 4z",
};

function iconButton(icon, label, click) {
  const shape = path(null, "");
  const svg = s("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, shape);
  const element = button(svg, click, { class: "icon" });
  const set = (name, text) => {
    shape.setAttribute("d", ICONS[name]);
    build(element, { "aria-label": text, title: text });
  };
  set(icon, label);
  return { element, set };
}

function select(options, value, change, more) {
  const choice = h("select", { change: () => change(choice.value), ...more });
  choice.offer = (all, chosen) => {
    choice.replaceChildren(...all.map(([name, title]) => h("option", { value: name }, title)));
    choice.value = chosen;
  };
  choice.offer(options, value);
  return choice;
}

function menu(label, options, value, change) {
  const id = fresh();
  const choice = select(options, value, change, { id });
  return { element: field(id, label, choice), select: choice };
}

/** A typed number, taken on Enter (which JupyterLab makes no change) or when the field is left. */
function typed({ name, fits = finite, what = "a number", ...more }, value, change, say) {
  let taken;
  const input = h("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    spellcheck: "false",
    ...more,
    change: take,
    keydown: ({ key }) => key === "Enter" && take(),
  });
  function take() {
    if (input.value === taken) return;
    taken = input.value;
    const number = Number(taken.trim().replace("−", "-") || NaN);
    input.toggleAttribute("aria-invalid", !fits(number));
    if (fits(number)) change(number);
    else say(`${name} must be ${what}, not “${taken}”.`, true);
  }
  function set(number) {
    taken = input.value = finite(number) ? String(round(number, 6)) : "";
    input.removeAttribute("aria-invalid");
  }
  set(value);
  return { input, set };
}

function numberField(specification, value, change, say) {
  const id = fresh();
  const { input, set } = typed({ ...specification, id }, value, change, say);
  return { element: field(id, specification.name, input), set };
}

const NOTCHES = 200; // positions of a slider

/**
 * How a hyperparameter lies on its slider: `to` and `from` turn values into positions from 0 to 1. Rates, and what
 * keeps a division finite, are spread by powers of ten; shares below one, by powers of what they lack to one.
 */
function spread({ low, high, default: usual, scale: kind }) {
  const around = finite(usual) ? usual : 1;
  if (low === 0 && high === 1)
    return {
      to: (value) => clamp(-Math.log10(1 - value) / 4, 0, 1),
      from: (position) => round(1 - round(10 ** (-4 * position), 2), 8),
    };
  if (kind === "log") {
    const usually = Math.log10(around || 1);
    const [a, b] = [Math.min(-4, usually - 1), Math.max(1, usually + 1)];
    return {
      to: (value) => (value > 0 ? clamp((Math.log10(value) - a) / (b - a), 0, 1) : 0),
      from: (position) => round(10 ** (a + position * (b - a)), 2),
    };
  }
  const reach = 3 * (Math.abs(around - (low ?? 0)) || 1);
  const [a, b] = [low ?? Math.min(0, around - reach), high ?? around + reach];
  return {
    to: (value) => clamp((value - a) / (b - a), 0, 1),
    from: (position) => round(a + position * (b - a), 3),
  };
}

/** A hyperparameter: its name, a slider and the number itself. */
function knob(specification, value, change, say) {
  const { name } = specification;
  const { to, from } = spread(specification);
  const id = fresh();
  const act = (number) => {
    set(number);
    change(number);
  };
  const input = () => act(from(slider.value / NOTCHES));
  const slider = h("input", { id, type: "range", min: 0, max: NOTCHES, input });
  const number = typed({ name, "aria-label": `${name}, typed` }, value, act, say);
  function set(to_) {
    number.set(to_);
    if (!finite(to_)) return;
    slider.value = Math.round(to(to_) * NOTCHES);
    slider.setAttribute("aria-valuetext", show(to_, 6));
  }
  set(value);
  return { element: h("div", { class: "knob" }, h("label", { for: id }, name), number.input, slider), set };
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Play, pause, step and scrub. Under reduced motion, playing shows ten stills. */
function transport(changed, describe, first = 0) {
  const DURATION = 5000;
  let [step, last, frame] = [first, first, 0];
  const toggle = iconButton("play", "Play", () => (frame ? pause() : play()));
  const input = () => (pause(), go(Number(scrub.value)));
  const scrub = h("input", { type: "range", min: first, "aria-label": "Step", input });
  const count = h("span", { class: "count" });

  function go(to) {
    step = clamp(to, first, last);
    scrub.value = step;
    count.textContent = `step ${step} / ${last}`;
    changed(step);
    scrub.setAttribute("aria-valuetext", describe(step));
  }
  function resize(length) {
    const to = step === last ? length : step;
    last = length;
    scrub.max = last;
    if (!frame) go(to);
  }
  function play(from = step === last ? first : step) {
    const stride = calm() ? Math.ceil((last - first) / 10) : 1;
    let begun;
    toggle.set("pause", "Pause");
    const show = (now) => {
      begun ??= now;
      go(from + stride * Math.floor(((now - begun) / DURATION) * ((last - first) / stride)));
      frame = step < last ? requestAnimationFrame(show) : 0;
      if (!frame) pause();
    };
    frame = requestAnimationFrame(show);
  }
  function pause() {
    cancelAnimationFrame(frame);
    frame = 0;
    toggle.set("play", "Play");
  }
  const move = (by) => () => (pause(), go(step + by));
  const element = h(
    "div",
    { class: "transport", role: "group", "aria-label": "Player" },
    iconButton("back", "One step back", move(-1)).element,
    toggle.element,
    iconButton("forward", "One step forward", move(1)).element,
    scrub,
    count,
  );
  return { element, go, resize, replay: () => (pause(), play(first)), step: () => step, last: () => last };
}

const scrolling = (label) => h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label });
const columnsOf = (rows) => [...new Set(rows.flatMap(Object.keys))];

/** A table of `{column: value}`; the first column names its row. */
function table(rows) {
  const columns = columnsOf(rows);
  const text = (value) => (typeof value === "number" ? show(value) : (value ?? "–"));
  const cell = (row) => (name, k) => h(k ? "td" : "th", { scope: k ? null : "row" }, text(row[name]));
  const head = columns.map((name) => h("th", { scope: "col" }, name));
  const body = rows.map((row) => h("tr", {}, columns.map(cell(row))));
  return h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, body));
}

function csv(rows) {
  const columns = columnsOf(rows);
  const cell = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : (value ?? ""));
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  return lines.map((values) => values.map(cell).join(",")).join("\n");
}

/** All numbers, to read and to copy; `rows` gives them, once `ready` has been awaited. */
function numbers(rows, ready, say) {
  const region = scrolling("All steps");
  const fill = () => details.open && region.replaceChildren(table(rows()));
  const copied = async () => {
    await ready();
    await copy(csv(rows()));
    say("Copied: all numbers as CSV.");
  };
  const details = h(
    "details",
    { class: "numbers", toggle: () => ready().then(fill) },
    h("summary", {}, "Numbers as a table"),
    button("Copy as CSV", copied),
    region,
  );
  return { element: details, refresh: later(300, fill) };
}

/** The source of a rule, to be edited: line numbers, spaces for Tab; Escape and then Tab leave. */
function editor(slot, change, reset, close) {
  const id = fresh();
  const gutter = h("div", { class: "gutter", "aria-hidden": "true" });
  const trouble = h("div", { class: "traceback", role: "alert" });
  const area = h("textarea", {
    "aria-label": `Python source of rule ${slot + 1}`,
    "aria-describedby": id,
    spellcheck: "false",
    autocapitalize: "off",
    wrap: "off",
    scroll: () => (gutter.scrollTop = area.scrollTop),
    input: () => (number(), run()),
    keydown: press,
  });
  const help = "Change the rule, and the picture follows. Tab indents; Escape, then Tab leaves the editor.";
  const run = later(250, () => change(area.value));
  let leaving = false;
  let wrong = null;

  function press(event) {
    if (event.key === "Tab" && !event.shiftKey && !leaving) {
      event.preventDefault();
      insert("    ");
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const before = area.value.slice(0, area.selectionStart).split("\n").pop();
      insert(`\n${before.match(/^ */)[0]}${before.trimEnd().endsWith(":") ? "    " : ""}`);
    }
    leaving = event.key === "Escape";
  }
  function insert(text) {
    document.execCommand("insertText", false, text); // what else changes it, the browser's undo does not know
  }
  function number() {
    const lines = range(1, area.value.split("\n").length);
    gutter.replaceChildren(...lines.map((n) => h("span", { class: n === wrong ? "wrong" : null }, `${n}\n`)));
    area.rows = clamp(lines.length + 1, 6, 24);
  }
  return {
    element: h(
      "div",
      { class: "editor" },
      h("p", {}, swatch(slot), ` The rule of optimizer ${slot + 1}`),
      h("div", { class: "code" }, gutter, area),
      trouble,
      h("p", { class: "help", id }, help),
      h("div", { class: "bar" }, button("Reset the rule", reset), button("Close", close)),
    ),
    focus: () => area.focus(),
    set(source) {
      area.value = source;
      number();
    },
    tell(error) {
      wrong = error?.line ?? null;
      trouble.textContent = error ? (error.traceback ?? error.message) : "";
      area.toggleAttribute("aria-invalid", Boolean(error));
      number();
    },
  };
}

// ---- Links: the page's fragment carries the setting of a picture; nothing in it is trusted

function links({ el, page, signal, say, insist }, encode, restore) {
  const key = () => `explorer-${1 + [...document.querySelectorAll(".explorer")].indexOf(el)}`;
  function read() {
    const [name, text] = location.hash.slice(1).split("=");
    if (!page || name !== key() || !text) return false;
    el.scrollIntoView({ block: "nearest" });
    try {
      restore(JSON.parse(decodeURIComponent(text)));
      return true;
    } catch (error) {
      insist(`The link cannot be used: ${error.message}. This is the page's own picture.`);
      return false;
    }
  }
  async function share() {
    history.replaceState(null, "", `#${key()}=${encodeURIComponent(JSON.stringify(encode()))}`);
    await copy(location.href);
    say("Copied: a link to this page, with the picture as it is now.");
  }
  addEventListener("hashchange", read, { signal });
  return { read, element: page ? button("Copy link", share) : null };
}

/** What both pictures end with: a bar to keep what was made, or to begin anew. `inPython` gives the call for a notebook. */
function keeping(view, { setting, restore, inPython, startOver }, ...before) {
  const link = links(view, setting, restore);
  const copyPython = async () => {
    await copy(inPython());
    view.say("Copied: the Python that draws this picture in a notebook.");
  };
  const element = h(
    "div",
    { class: "bar" },
    before,
    h("span", { class: "push" }),
    link.element,
    button("Copy as Python", copyPython),
    button("Start over", startOver),
  );
  return { element, readLink: link.read };
}

function demand(condition, what) {
  if (!condition) throw new Error(what);
}

const whole = (value) => Number.isInteger(value) && value >= 1 && value <= 10000;

/** Whether a rule has this hyperparameter, and it may have this value. */
function within({ hyperparameters }, name, value) {
  const { low, high } = hyperparameters.find((one) => one.name === name) ?? { low: NaN };
  return (low ?? -Infinity) <= value && value < (high ?? Infinity);
}

function checkedRace({ surface, start, steps, runs, plane, step }, { rules, surfaces }, own) {
  const most = own.plane ? 1 : MOST_RUNS;
  const list = (value) => Array.isArray(value) && value.length > 0;
  const fitting = (rule, source, name, value) =>
    finite(value) && (source !== null || within(rules.get(rule), name, value));
  demand(surfaces.has(surface), "it names no surface of this page");
  demand(list(start) && start.length === 2 && start.every(finite), "its start is no point");
  demand(whole(steps), "its steps are no whole number from 1 to 10000");
  demand(list(runs) && runs.length <= most, `it does not have 1 to ${most} optimizers`);
  for (const { rule, source, hyperparameters } of runs) {
    demand(rules.has(rule), "it names no optimizer of this page");
    demand(source === null || (typeof source === "string" && source.length < 20000), "its rule is no text");
    const fits = ([name, value]) => fitting(rule, source, name, value);
    demand(Object.entries(hyperparameters ?? {}).every(fits), `its hyperparameters do not fit ${rule}`);
  }
  if (!own.plane) return { surface, start, steps, runs, step };
  const { x, y, show: shown } = plane ?? {};
  const [{ rule, source }] = runs;
  const axis = ({ name, values }) =>
    list(values) && values.length <= 100 && values.every((value) => fitting(rule, source, name, value));
  demand(x && y && axis(x) && axis(y) && x.name !== y.name && SHOWN.includes(shown), "its map is none");
  return { surface, start, steps, runs, plane: { ...own.plane, x, y, show: shown }, step };
}

function checkedAverage({ beta, start, corrected, step }) {
  demand(finite(beta) && beta >= 0 && beta < 1, "its beta is no number from 0 to below 1");
  demand(["zero", "first"].includes(start), "its start is neither zero nor first");
  demand(corrected === false || (corrected === true && start === "zero"), "its correction does not fit");
  return { beta, start, corrected, step };
}

// ---- The call that draws the same in a notebook

/** What a notebook calls its own rule or surface, as far as its title tells. */
const named = (title) => title.replace(" (notebook)", "").replace(/\W+/g, "_");

function raceInPython({ surface, start, steps, runs, plane }, { rules, surfaces }) {
  const keywords = (values) => Object.entries(values).map(([name, value]) => `${name}=${value}`);
  const lists =
    plane && Object.fromEntries([plane.x, plane.y].map((a) => [a.name, `[${a.values.join(", ")}]`]));
  const names = runs.map(({ rule, source }, k) =>
    source !== null ? `rule_${k + 1}` : rules.get(rule).library ? `optimizers.${rule}` : named(rule),
  );
  const sources = runs.flatMap(({ source }, k) =>
    source === null
      ? []
      : [source.trim(), `${names[k]} = ${[...source.matchAll(/^def (\w+)/gm)].at(-1)?.[1]}\n`],
  );
  const place = surfaces.get(surface).library ? `surfaces.${surface}` : named(surface);
  const course = [`surface=${place}`, `start=(${start.join(", ")})`, `steps=${steps}`];
  const partials = runs.map(
    (run, k) => `partial(${[names[k], ...keywords(run.hyperparameters)].join(", ")})`,
  );
  const call = plane
    ? [
        names[0],
        ...course,
        `show="${plane.show}"`,
        `tolerance=${plane.tolerance}`,
        ...keywords({ ...runs[0].hyperparameters, ...lists }),
      ]
    : [`[\n        ${partials.join(",\n        ")},\n    ]`, ...course];
  const called = plane ? "explore_map" : "explore";
  return [
    "from functools import partial\n",
    "from lib import optimizers, surfaces",
    `from lib.explorer import ${called}`,
    ...(sources.length ? ["from lib.optimizers import *", ""] : [""]),
    ...sources,
    `${called}(\n    ${call.join(",\n    ")},\n)\n`,
  ].join("\n");
}

function averageInPython({ values, beta, start, corrected }) {
  const options = `beta=${beta}, start="${start}", corrected=${corrected ? "True" : "False"}`;
  return `from lib.explorer import explore_average\n\nexplore_average([${values.join(", ")}], ${options})\n`;
}

// ---- The race: paths over a surface; with a plane of two hyperparameters, the map

function race(view) {
  const { model, say } = view;
  const original = model.get("setting");
  const specification = model.get("specification");
  const known = {
    rules: new Map(specification.rules.map((rule) => [rule.name, rule])),
    surfaces: new Map(specification.surfaces.map((surface) => [surface.name, surface])),
  };
  let { surface, start, steps } = original;
  let cards = [];
  let racing = []; // the cards of the request under way
  let full = false; // whether all numbers are at hand, as they are after the first answer
  let peek = null; // the step under the pointer, instead of the player's
  const waiting = [];

  const landscape = () => known.surfaces.get(surface);
  const drawn = () => cards.filter((card) => card.answer);
  const now = (answer) => Math.min(peek ?? player.step(), answer.w.length - 1);
  const setting = () => {
    const runs = cards.map(({ run }) => run);
    return { surface, start, steps, runs, plane: heat?.setting(), step: player.step() };
  };

  // Asking

  const request = () => {
    racing = [...cards];
    return { do: "race", surface, start, steps, runs: cards.map((card) => card.wire()) };
  };
  const ask = view.newest(request, (answer) => {
    const { error } = answer;
    if (!error) hear(answer.runs);
    else {
      say(error.message, true);
      racing.filter(({ run }) => run.source !== null).forEach((card) => card.hear({ error }));
    }
    full = true;
    waiting.splice(0).forEach((act) => act());
  });
  const ready = () => (full ? Promise.resolve() : new Promise((act) => (waiting.push(act), ask())));

  function hear(answers) {
    view.hush();
    answers.forEach((answer, k) => racing[k].hear(answer));
    player.resize(Math.max(...drawn().map(({ answer }) => answer.w.length - 1), 1));
    heat?.follow();
    tell();
  }

  const tell = later(800, () => {
    map.svg.setAttribute("aria-label", describe());
    all.refresh();
  });
  const describe = () => {
    const fates = cards.map((card) => `${card.label()}: ${card.fate()}.`).join(" ");
    return `Paths on the surface ${landscape().title}, ${steps} steps from ${point(start)}. ${fates}`;
  };

  function draw() {
    map.draw();
    chart.draw();
    drawReadout();
  }

  // The paths over the surface

  const startHandle = handle("start", "Start point", {
    by(...parts) {
      const notch = ([low, high]) => (high - low) / 50;
      moveStart(start.map((value, k) => value + parts[k] * notch(landscape().window[k])));
    },
    to(x, y) {
      const axes = mapAxes();
      moveStart([axes.x.at.back(x), axes.y.at.back(y)]);
    },
  });
  const map = plot("map", drawMap, startHandle.element);
  let layer = new DOMParser().parseFromString(model.get("picture"), "text/html").querySelector(".surface");
  map.box.prepend(layer);
  map.svg.addEventListener("pointermove", (event) => look(nearest(position(event, map.box))));
  map.svg.addEventListener("pointerleave", () => look(null));
  map.svg.addEventListener("click", (event) => {
    const axes = mapAxes();
    const [x, y] = position(event, map.box);
    startHandle.element.focus({ preventScroll: true });
    moveStart([axes.x.at.back(x), axes.y.at.back(y)]);
  });

  function moveStart(to) {
    start = to.map((value, k) => round(clamp(value, ...landscape().window[k]), 4));
    startFields.forEach((one, k) => one.set(start[k]));
    map.draw();
    ask();
  }

  function mapAxes() {
    const { width, height } = map.size;
    const [x, y] = landscape().window;
    return {
      x: numberAxis("w₁", x, [0, width], Math.min(8, width / 50)),
      y: numberAxis("w₂", y, [height, 0], Math.min(8, height / 40)),
    };
  }

  function drawMap({ size, inner, axes }) {
    const { x, y } = mapAxes();
    const project = (w) => [x.at(w[0]), y.at(w[1])];
    axes(x, y);
    inner.replaceChildren(
      ...landscape().minima.map((w) => path("minimum", glyph(STAR, project(w), 0.8))),
      ...drawn().map((card) => track(card, trail(card.answer.w, project, size), size)),
    );
    const [px, py] = project(start);
    const text = `w₁ ${start[0]}, w₂ ${start[1]}`;
    startHandle.place(clamp(px, 0, size.width), clamp(py, 0, size.height), size, start[0], text);
  }

  function nearest([x, y]) {
    const axes = mapAxes();
    let [best, least] = [null, 14];
    for (const { answer } of drawn())
      answer.w.forEach((w, step) => {
        const distance = Math.hypot(axes.x.at(w[0]) - x, axes.y.at(w[1]) - y);
        if (w.every(finite) && distance < least) [best, least] = [step, distance];
      });
    return best;
  }

  function look(step) {
    if (step === peek) return;
    peek = step;
    draw();
  }

  /** A path, bold up to the present step; a mark for every step that has room for one. */
  function track({ slot, stale, answer, left }, points, { width, height }) {
    const step = Math.min(now(answer), points.length - 1);
    const past = points.slice(0, step + 1);
    let last = points[0];
    const marks = past.filter((p) => {
      const room = Math.hypot(p[0] - last[0], p[1] - last[1]) >= 6;
      if (room) last = p;
      return room;
    });
    return s(
      "g",
      { class: `run-${slot}${stale ? " stale" : ""}` },
      path("rest", line(points.slice(step))),
      path("casing", line(past)),
      path("path", line(past)),
      path("marks", marks.map((p) => glyph(SHAPES[slot], p, 2.6)).join("")),
      path("present", glyph(SHAPES[slot], points[step], 5.5)),
      left() !== null && left() <= step ? exit(points, left(), slot, answer.diverged, width, height) : null,
    );
  }

  /** Where a path left the window, and at which step. */
  function exit(points, left, slot, diverged, width, height) {
    const [a, b] = [points[Math.max(left - 1, 0)], points[Math.min(left, points.length - 1)]];
    const share = (from, to, end) =>
      to > end ? (end - from) / (to - from) : to < 0 ? from / (from - to) : 1;
    const t = clamp(Math.min(share(a[0], b[0], width), share(a[1], b[1], height)), 0, 1);
    const [x, y] = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    const right = x > width / 2;
    const text = `out at step ${left}${diverged === null ? "" : `, not finite at ${diverged}`}`;
    const place = [x + (right ? -10 : 10), clamp(y, 14 * (slot + 1), height - 8)];
    return [path("leaving", cross([x, y], 5)), words(right ? "end exit" : "exit", ...place, text)];
  }

  // Loss against step

  const chart = plot("chart", drawChart);
  chart.svg.setAttribute("aria-label", "Loss against step");
  seekable(chart, (share) => player.go(Math.round(share * player.last())));

  function drawChart({ size: { width, height }, inner, axes }) {
    const lowest = landscape().lowest ?? 0;
    const above = (loss) => (finite(loss) ? loss - lowest : Infinity);
    const curves = drawn().map((card) => [card, card.answer.loss.map(above)]);
    const inside = curves.flatMap(([card, values]) => values.filter((_, k) => k === 0 || card.inside(k)));
    const x = numberAxis("step", [0, player.last()], [0, width], Math.min(6, width / 50));
    const y = lossAxis(inside.filter(finite), height, lowest);
    const spot = (value, step) => [x.at(step), clamp(y.at(value), -20, height + 20)];
    axes(x, y);
    inner.replaceChildren(
      path("cursor", `M${pixel(x.at(peek ?? player.step()))} 0V${height}`),
      ...curves.map(([{ slot, stale, answer }, values]) => {
        const end = answer.diverged ?? values.length;
        const points = values.slice(0, end).map(spot);
        return s(
          "g",
          { class: `run-${slot}${stale ? " stale" : ""}` },
          path("curve", line(points), { "stroke-dasharray": DASHES[slot] }),
          path("present", glyph(SHAPES[slot], points[Math.min(now(answer), end - 1)], 4.5)),
          end < values.length ? path("leaving", cross([x.at(end), 9], 5)) : null,
        );
      }),
    );
  }

  function lossAxis(values, height, lowest) {
    const label = lowest ? "loss above the minimum" : "loss";
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const positive = values.filter((value) => value > 0);
    if (low < 0 || !positive.length)
      return numberAxis(label, low < high ? [low, high] : [low - 1, low + 1], [height - 6, 6], height / 35);
    const least = Math.max(Math.min(...positive, high / 10), high * 1e-16);
    return logAxis(label, [least, high * 1.3], [height - 6, 0], height / 30);
  }

  // The numbers of the present step

  const readout = scrolling("The present step");

  function drawReadout() {
    const rows = cards.map((card) => ({
      [`step ${peek ?? player.step()}`]: h("span", {}, swatch(card.slot), ` ${card.label()}`),
      ...facts(card.answer),
    }));
    readout.replaceChildren(table(rows));
  }

  /** What a run can tell of a step. The gradient, the state and the rate are those of the step that led there. */
  function facts(answer) {
    if (!answer) return {};
    const step = now(answer);
    const told = { point: point(answer.w[step]), loss: show(answer.loss[step]) };
    if (!answer.gradient || step === 0) return told;
    const parts = { gradient: answer.gradient, ...answer.state, "effective rate": answer.rate };
    for (const name in parts) told[name] = point(parts[name][step - 1]);
    return told;
  }

  function rows() {
    return drawn().flatMap((card) => {
      const { w, loss, gradient, state, rate } = card.answer;
      const parts = Object.entries({ gradient, ...state, "effective rate": rate });
      return w.map((at, step) => {
        const row = { optimizer: card.label(), step, w1: at[0], w2: at[1], loss: loss[step] };
        for (const [name, values] of parts)
          range(0, 1).forEach((k) => (row[`${name} ${k + 1}`] = step ? values?.[step - 1][k] : undefined));
        return row;
      });
    });
  }

  // The optimizers

  const list = h("div", { class: "optimizers" });
  const desk = h("div", { class: "desk" }); // where the rules lie that are edited, beside the picture
  const more = button("Add an optimizer", () => {
    const free = specification.rules.find(({ name }) => cards.every(({ run }) => run.rule !== name));
    add({ rule: (free ?? specification.rules[0]).name, source: null });
    cards.at(-1).element.querySelector("select").focus();
    ask();
  });

  function add(run) {
    const slot = range(0, MOST_RUNS - 1).find((k) => cards.every((card) => card.slot !== k));
    const least = original.plane ? 2 : 0; // hyperparameters of a rule
    const card = contender(view, run, slot, { known, landscape, ask, like: () => cards, drop, desk, least });
    cards.push(card);
    list.append(card.element);
    arrange();
  }
  function drop(card) {
    cards = cards.filter((other) => other !== card);
    card.discard();
    arrange();
    list.querySelector("select").focus();
    draw();
    ask();
  }
  function arrange() {
    more.hidden = Boolean(original.plane) || cards.length === MOST_RUNS;
    cards.forEach((card) => (card.remove.hidden = cards.length === 1));
  }

  // With a plane: the cells around the one whose path is seen

  const heat =
    original.plane &&
    plane(view, original.plane, model.get("first"), {
      course(without) {
        const run = cards[0].wire();
        const hyperparameters = except(run.hyperparameters, without);
        return { surface, start, steps, run: { ...run, hyperparameters } };
      },
      card: () => cards[0],
      lowest: () => landscape().lowest ?? 0,
      pick(values, play) {
        cards[0].tune(values);
        if (play && !calm()) ready().then(player.replay);
        else player.go(player.last());
      },
    });

  // The controls

  const player = transport(draw, (step) => {
    const losses = drawn().map((card) => `${card.label()}: loss ${show(card.answer.loss[step])}`);
    return `step ${step}; ${losses.join("; ")}`;
  });
  const titles = specification.surfaces.map(({ name, title }) => [name, title]);
  const place = menu("Surface", titles, surface, (name) => travel(name, known.surfaces.get(name).start));
  const startFields = ["Start w₁", "w₂"].map((name, k) =>
    numberField({ name }, start[k], (value) => moveTo(start.with(k, value)), say),
  );
  const stepsField = numberField(
    { name: "Steps", fits: whole, what: "a whole number from 1 to 10000" },
    steps,
    (value) => ((steps = value), ask()),
    say,
  );
  const all = numbers(rows, ready, say);
  const keep = keeping(
    view,
    {
      setting,
      restore: (given) => adopt(checkedRace(given, known, original)),
      inPython: () => raceInPython(setting(), known),
      startOver: () => adopt(original),
    },
    more,
  );

  function moveTo(to) {
    start = to;
    map.draw();
    ask();
  }

  /** To another surface, if Python is there to draw it; `arrive` is what else changes then. */
  async function travel(name, to, arrive = () => {}) {
    const { error, values } = await view.ask({ do: "surface", surface: name, size: 65 });
    if (error) say(error.message, true);
    else {
      arrive();
      surface = name;
      start = [...to];
      startFields.forEach((one, k) => one.set(start[k]));
      const fresh = levelLines(values);
      layer.replaceWith(fresh);
      layer = fresh;
      cards.forEach((card) => (card.answer = null));
      draw();
      await ask();
    }
    place.select.value = surface;
    return !error;
  }

  async function adopt(given) {
    const arrived = await travel(given.surface, given.start, () => {
      cards.forEach((card) => card.discard());
      cards = [];
      given.runs.forEach(add);
      steps = given.steps;
      stepsField.set(steps);
      heat?.adopt(given.plane);
      full = false;
    });
    if (!arrived) return;
    await ready();
    player.go(Number.isInteger(given.step) ? given.step : player.last());
  }

  original.runs.forEach(add);
  const elements = [
    h(
      "div",
      { class: "bar" },
      place.element,
      startFields.map(({ element }) => element),
      stepsField.element,
      heat?.controls,
    ),
    h("div", { class: heat ? "pictures plane" : "pictures" }, heat?.element, map.box, desk, chart.box),
    player.element,
    readout,
    list,
    keep.element,
    all.element,
  ];

  function begin() {
    racing = cards;
    hear(model.get("first").runs);
    player.go(original.step ?? steps);
    map.svg.setAttribute("aria-label", model.get("text"));
    if (!keep.readLink()) wakeUp(view, ready);
  }
  return { elements, begin };
}

/** The finite points of a path in pixels; a point far outside keeps its direction but not its distance. */
function trail(w, project, { width, height }) {
  const most = 20 * Math.max(width, height);
  const points = [];
  for (const at of w) {
    if (!at.every(finite)) break;
    const p = project(at).map((value) => clamp(value, -1e12, 1e12));
    const from = points.at(-1) ?? p;
    const far = Math.max(...p.map((value, k) => Math.abs(value - from[k]))) / most;
    points.push(far > 1 ? p.map((value, k) => from[k] + (value - from[k]) / far) : p);
  }
  return points;
}

/** An optimizer's card: the rule, its hyperparameters, its source, and what became of it. */
function contender(view, { rule, source, hyperparameters }, slot, context) {
  const { known, landscape, ask, like, drop, desk, least } = context;
  const { say, page } = view;
  const run = { rule, source, hyperparameters: { ...hyperparameters } };
  const own = () => known.rules.get(run.rule);
  const sourceOf = async () => {
    if (own().source) return own().source;
    const { source, error } = await view.ask({ do: "source", rule: run.rule });
    if (error) say(error.message, true);
    return source ?? "";
  };
  let described = null;
  let knobs = new Map();

  const about = h("p", { class: "about" });
  const sliders = h("div", { class: "knobs" });
  const status = h("p", { class: "fate" });
  const code = editor(
    slot,
    async (text) => {
      run.source = text === (await sourceOf()) ? null : text;
      ask();
    },
    async () => {
      run.source = null;
      code.set(await sourceOf());
      describe(own());
      ask();
    },
    () => (toggle(), edit.focus()),
  );
  const isOpen = () => code.element.isConnected;
  const fitting = [...known.rules.values()].filter((one) => one.hyperparameters.length >= least);
  const names = fitting.map(({ name }) => [name, name]);
  const choice = select(names, rule, choose, { "aria-label": `Rule of optimizer ${slot + 1}` });
  const edit = button("Edit the rule", toggle, { "aria-expanded": "false" });
  const remove = iconButton("remove", `Remove optimizer ${slot + 1}`, () => drop(card)).element;

  const card = {
    run,
    slot,
    remove,
    answer: null,
    stale: false, // whether the answer is older than the controls, because they brought an error
    element: h(
      "div",
      { class: `optimizer run-${slot}`, role: "group", "aria-label": `Optimizer ${slot + 1}` },
      h("div", { class: "head" }, swatch(slot), choice, remove),
      about,
      sliders,
      status,
      edit,
    ),
    discard: () => [card.element, code.element].forEach((element) => element.remove()),
    described: () => described,
    /** The run as Python is asked for it; the page's engine knows a notebook's own rule by its source only. */
    wire: () => ({ ...run, source: run.source ?? (page && !own().library ? own().source : null) }),
    hear(answer) {
      const { error = null, hyperparameters: edited, ...rest } = answer;
      code.tell(run.source === null ? null : error);
      card.stale = Boolean(error);
      if (!error) card.answer = rest;
      if (edited) describe({ ...own(), hyperparameters: edited });
      status.classList.toggle("wrong", card.stale);
      status.textContent = card.fate();
      if (!error) return;
      const kept = card.answer ? "The picture keeps the last path that worked." : "";
      status.textContent = `${error.message}. ${kept}`;
      say(`${run.rule}: ${error.message}`, true);
    },
    inside(step) {
      const { window } = landscape();
      return card.answer.w[step].every((v, k) => finite(v) && window[k][0] <= v && v <= window[k][1]);
    },
    /** The step at which the path first left the window. */
    left() {
      const step = card.answer.w.findIndex((_, k) => !card.inside(k));
      return step < 0 ? null : step;
    },
    fate() {
      if (!card.answer) return "";
      const { w, loss, diverged } = card.answer;
      const left = card.left() === null ? "" : `leaves the picture at step ${card.left()}`;
      if (diverged !== null) return `diverges: ${left}, no longer finite at step ${diverged}`;
      return `loss ${show(loss.at(-1))} after ${w.length - 1} steps${left && `; ${left}`}`;
    },
    /** The rule's name, with the hyperparameters that tell it from its like. */
    label() {
      const others = like().filter((other) => other.run.rule === run.rule);
      const tells = ([name, value]) => others.some((other) => other.run.hyperparameters[name] !== value);
      const told = Object.entries(run.hyperparameters).filter(tells);
      const name = run.rule + (run.source === null ? "" : ", edited");
      return told.length
        ? `${name} (${told.map(([key, value]) => `${key} ${show(value)}`).join(", ")})`
        : name;
    },
    tune(values) {
      Object.assign(run.hyperparameters, values);
      for (const name in values) knobs.get(name).set(values[name]);
      ask();
    },
  };

  async function toggle() {
    const open = !isOpen();
    edit.setAttribute("aria-expanded", String(open));
    if (!open) return code.element.remove();
    desk.prepend(code.element);
    code.focus();
    code.set(run.source ?? (await sourceOf()));
  }

  async function choose(name) {
    run.rule = name;
    run.source = null;
    run.hyperparameters = {};
    describe(own());
    code.tell(null);
    ask();
    if (isOpen()) code.set(await sourceOf());
  }

  /** Builds the sliders of a rule, unless they are there already. */
  function describe(specification) {
    const before = JSON.stringify(described?.hyperparameters);
    described = specification;
    about.textContent = specification.description.replaceAll("`", "");
    const all = specification.hyperparameters;
    const value = ({ name, default: usual }) => run.hyperparameters[name] ?? usual;
    run.hyperparameters = Object.fromEntries(
      all.map((one) => [one.name, value(one)]).filter(([, v]) => finite(v)),
    );
    if (JSON.stringify(all) === before) return all.forEach((one) => knobs.get(one.name).set(value(one)));
    const tune = (name) => (to) => {
      run.hyperparameters[name] = to;
      ask();
    };
    knobs = new Map(all.map((one) => [one.name, knob(one, value(one), tune(one.name), say)]));
    sliders.replaceChildren(...[...knobs.values()].map(({ element }) => element));
  }

  describe(own());
  return card;
}

// ---- The map: a plane of two hyperparameters, a cell for each pair; a cell plays its path

const SHADES = 10;
const SHOWN = ["final_loss", "steps_to_tolerance"];

/** `course` gives what all cells have in common, `card` the optimizer; `pick` takes the values of a cell. */
function plane(view, original, first, { course, card, lowest, pick }) {
  let { x, y, show: shown } = original;
  const { tolerance } = original;
  const titles = { final_loss: "final loss", steps_to_tolerance: `steps to loss ${show(tolerance)}` };
  let cells = first;
  let asked = null; // what the cells at hand were asked for with
  let cancel = () => {};

  const mark = handle("cell", "Cell of the map", {
    by(right, up) {
      const [j, i] = selected();
      choose(j + right, i + up, false);
    },
    to: (px, py) => choose(...cellAt(px, py), false),
  });
  const heat = plot("heat", draw, mark.element);
  heat.svg.setAttribute("aria-label", "Map of two hyperparameters");
  heat.svg.addEventListener("click", (event) => {
    mark.element.focus({ preventScroll: true });
    choose(...cellAt(...position(event, heat.box)), true);
  });
  const progress = h("progress", { "aria-label": "Computing the map", hidden: true });
  const legend = h("p", { class: "legend" });
  const what = menu("Show", Object.entries(titles), shown, (name) => ((shown = name), recompute()));
  const axisMenus = [0, 1].map((k) => menu(k ? "Up" : "Across", [], "", (name) => turn(k, name)));

  const cellAt = (px, py) => [
    Math.floor((px / heat.size.width) * x.values.length),
    Math.floor((1 - py / heat.size.height) * y.values.length),
  ];

  function selected() {
    return [x, y].map(({ name, values }) => {
      const distances = values.map((value) => Math.abs(value - card().run.hyperparameters[name]));
      return Math.max(0, distances.indexOf(Math.min(...distances)));
    });
  }

  function choose(j, i, play) {
    const [column, row] = [clamp(j, 0, x.values.length - 1), clamp(i, 0, y.values.length - 1)];
    pick({ [x.name]: x.values[column], [y.name]: y.values[row] }, play);
    heat.draw();
  }

  /** Another hyperparameter along an axis, over the whole length of its slider. */
  function turn(k, name) {
    const axes = [x, y];
    if (name === axes[1 - k].name) axes.reverse();
    else axes[k] = { name, values: along(name, axes[k].values.length) };
    [x, y] = axes;
    follow();
  }

  function along(name, count) {
    const { from } = spread(
      card()
        .described()
        .hyperparameters.find((one) => one.name === name),
    );
    return range(0, count - 1).map((k) => from(k / (count - 1)));
  }

  /** After each race: another cell, or another course for all of them. */
  function follow() {
    const names = card()
      .described()
      .hyperparameters.map(({ name }) => name);
    if (names.length < 2)
      return view.say("A map needs a rule with two hyperparameters: it stays as it was.", true);
    for (const [axis, other] of [
      [x, y],
      [y, x],
    ])
      if (!names.includes(axis.name)) {
        axis.name = names.find((name) => name !== other.name);
        axis.values = along(axis.name, axis.values.length);
      }
    axisMenus.forEach(({ select }, k) =>
      select.offer(
        names.map((name) => [name, name]),
        [x, y][k].name,
      ),
    );
    heat.draw();
    refresh();
  }

  const recompute = () => {
    asked = "";
    follow();
  };
  const refresh = later(250, () => {
    const request = { do: "map", ...course([x.name, y.name]), x, y, tolerance };
    const known = asked === null || asked === JSON.stringify(request);
    asked = JSON.stringify(request);
    if (known) return;
    cancel();
    const rows = { final_loss: [], steps_to_tolerance: [], diverged: [] };
    cancel = view.follow(request, (answer) => {
      const { error, row, of } = answer;
      progress.hidden = Boolean(error) || row + 1 === of;
      if (error) return view.say(error.message, true);
      build(progress, { max: of, value: row + 1 });
      for (const name in rows) rows[name][row] = answer[name];
      cells = rows;
      heat.draw();
      return progress.hidden;
    });
  });

  /** Each cell's share of the range that the colors show; above one if worse than the start, null if lost. */
  function shares() {
    if (!cells[shown] || !card().answer) return [];
    const worst = card().answer.loss[0] - lowest();
    const above = (value) =>
      finite(value) && shown === "final_loss" ? Math.max(value - lowest(), 0) : value;
    const values = cells[shown].map((row) => row.map(above));
    const known = values.flat().filter((value) => value > 0);
    const floor = Math.max(Math.min(...known, worst), worst * 1e-12);
    const share = (value) => {
      if (!finite(value)) return Infinity;
      if (shown !== "final_loss") return value / Math.max(...known);
      if (value > worst) return Infinity;
      return floor < worst ? Math.log(Math.max(value, floor) / floor) / Math.log(worst / floor) : 1;
    };
    return values.map((row, i) =>
      row.map((value, j) => (cells.diverged[i][j] === null ? share(value) : null)),
    );
  }

  function draw({ size, inner, axes }) {
    const { width, height } = size;
    const [w, up] = [width / x.values.length, height / y.values.length];
    const marks = (values, length, at) =>
      range(0, values.length - 1, Math.ceil((45 * values.length) / length)).map((k) => [
        at(k),
        show(values[k], 2),
      ]);
    axes(
      { label: x.name, marks: marks(x.values, width, (j) => (j + 0.5) * w) },
      { label: y.name, marks: marks(y.values, height, (i) => height - (i + 0.5) * up) },
    );
    const paths = {};
    const put = (name, d) => (paths[name] = (paths[name] ?? "") + d);
    shares().forEach((row, i) =>
      row.forEach((share, j) => {
        const [left, top] = [j * w, height - (i + 1) * up].map(pixel);
        const r = Math.min(w, up) / 4;
        const middle = [(j + 0.5) * w, height - (i + 0.5) * up];
        if (share === null) put("lost", cross(middle, r));
        else if (share > 1)
          put("worse", `M${pixel(middle[0] - r)} ${pixel(middle[1] + r)}l${2 * r} ${-2 * r}`);
        else
          put(`shade-${Math.round(share * SHADES)}`, `M${left} ${top}h${w + 0.3}v${up + 0.3}h${-w - 0.3}z`);
      }),
    );
    inner.replaceChildren(...Object.entries(paths).map(([name, d]) => path(name, d)));
    const [j, i] = selected();
    mark.element.style.setProperty("--width", `${pixel(w)}px`);
    mark.element.style.setProperty("--height", `${pixel(up)}px`);
    const text = `${x.name} ${show(x.values[j])}, ${y.name} ${show(y.values[i])}: ${result(i, j)}`;
    mark.place((j + 0.5) * w, height - (i + 0.5) * up, size, j, text);
    explain(text);
  }

  function result(i, j) {
    const value = cells[shown]?.[i]?.[j];
    if (finite(value)) return `${titles[shown]} ${show(value)}`;
    const never = shown === "steps_to_tolerance" && cells.diverged?.[i]?.[j] === null;
    return `${titles[shown]} ${value === undefined ? "…" : never ? "not reached" : "no longer finite"}`;
  }

  function explain(text) {
    const [best, worst, beyond] =
      shown === "final_loss"
        ? ["low loss", "loss at the start", "worse than the start"]
        : ["few steps", "many steps", "not reached"];
    const key = (...parts) => h("span", { class: "key" }, parts);
    const colors = range(0, SHADES).map((k) => h("i", { class: `shade-${k}` }));
    const keys = [key(best, " ", colors, " ", worst), key("╱ ", beyond), key("╳ no longer finite")];
    legend.replaceChildren(key(`${text}.`), ...keys);
  }

  return {
    element: h("div", {}, heat.box, progress, legend),
    controls: [...axisMenus, what].map(({ element }) => element),
    setting: () => ({ x, y, show: shown, tolerance }),
    adopt: (given) => {
      ({ x, y, show: shown } = structuredClone(given));
      what.select.value = shown;
      asked = "";
    },
    follow,
  };
}

// ---- Averages: a series, its average, and the weights on the past

function averages(view) {
  const { model, say } = view;
  const original = model.get("setting");
  const { values, xlabel, ylabel } = original;
  const total = values.length;
  let { beta, start, corrected } = original;
  let answer = null;
  let plain = null; // the average before its correction
  let seen = []; // the weight that has been handed out after each step

  const setting = () => ({ beta, start, corrected, step: player.step() });
  const request = () => ({ do: "series", values, beta, start, corrected });
  const ask = view.newest(request, (heard) => {
    if (heard.error) return say(heard.error.message, true);
    view.hush();
    hear(heard);
    if (corrected) compare();
  });
  const compare = view.newest(
    () => ({ ...request(), corrected: false }),
    (heard) => {
      plain = heard.averages ?? null;
      draw();
    },
  );

  function hear(heard) {
    answer = heard;
    if (!corrected) plain = null;
    let sum = 0;
    seen = heard.weights.map((weight) => (sum += weight));
    draw();
    tell();
  }

  const manner = () => (start === "first" ? "the first value" : corrected ? "zero and corrected" : "zero");
  const told = (t) => `Step ${t}: value ${show(values[t - 1])}, average ${show(answer.averages[t - 1])}`;
  const tell = later(800, () => {
    const text = `An average of ${total} values with beta ${show(beta)}, started at ${manner()}.`;
    series.svg.setAttribute("aria-label", `${text} ${told(player.step())}.`);
    all.refresh();
  });

  function draw() {
    series.draw();
    weights.draw();
    const facts = Object.entries(factsOf(player.step()));
    readout.replaceChildren(...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  // The series above, the weights on it below, over the same steps

  const series = plot("series", drawSeries);
  const weights = plot("weights", drawWeights);
  weights.svg.setAttribute("aria-label", "Weights on the past");
  for (const one of [series, weights])
    seekable(one, (share) => player.go(Math.round(1 + share * (total - 1))));
  const steps = ({ width }) => numberAxis(xlabel, [1, total], [0, width], Math.min(8, width / 60));

  function drawSeries({ size, inner, axes }) {
    const everything = [values, answer.averages, plain ?? [], start === "zero" ? [0] : []].flat();
    const [low, high] = [Math.min(...everything), Math.max(...everything)];
    const pad = (high - low) * 0.05 || 1;
    const x = steps(size);
    const y = numberAxis(ylabel, [low - pad, high + pad], [size.height, 0], size.height / 40);
    const curve = (numbers) => numbers.map((value, k) => [x.at(k + 1), y.at(value)]);
    const now = player.step();
    const average = curve(answer.averages);
    const before = plain && path("curve", line(curve(plain)), { "stroke-dasharray": DASHES[1] });
    axes(x, y);
    inner.replaceChildren(
      ...dots(curve(values), now),
      s("g", { class: "run-1" }, before),
      s(
        "g",
        { class: "run-0" },
        path("rest", line(average.slice(now - 1))),
        path("casing", line(average.slice(0, now))),
        path("path", line(average.slice(0, now))),
        path("present", glyph(null, average[now - 1], 5)),
      ),
    );
  }

  /** The values as dots, the stronger the more weight they have in the present average. */
  function dots(points, now) {
    const groups = ["", "", "", "", ""];
    points.forEach((p, k) => {
      const share = k < now ? answer.weights[now - 1 - k] / answer.weights[0] : 0;
      groups[Math.ceil(share * 4)] += `M${p.map(pixel).join(" ")}h0`;
    });
    return groups.map((d, k) => path(`dots weight-${k}`, d));
  }

  function drawWeights({ size, inner, axes }) {
    const { width, height } = size;
    const now = player.step();
    const bars = answer.weights.slice(0, now).map((weight) => weight / (corrected ? seen[now - 1] : 1));
    const x = steps(size);
    const y = numberAxis("weight", [0, bars[0] * 1.25], [height, 0], 3);
    const wide = Math.max(1, (0.7 * width) / total);
    const bar = (weight, age) =>
      `M${pixel(x.at(now - age) - wide / 2)} ${height}V${pixel(y.at(weight))}h${pixel(wide)}V${height}z`;
    const ages = { "half-life": answer.half_life, lag: answer.latency, window: answer.window };
    const lines = Object.entries(ages).flatMap(([name, age], k) => {
      const at = x.at(now - age);
      if (at < 0) return [];
      const [side, dx] = at > 60 ? ["end", -4] : ["", 4];
      return [
        path("cursor", `M${pixel(at)} ${3 + 13 * k}V${height}`),
        words(side, at + dx, 12 + 13 * k, name),
      ];
    });
    axes(x, y);
    inner.replaceChildren(s("g", { class: "run-0" }, path("bars", bars.map(bar).join(""))), ...lines);
  }

  function factsOf(t) {
    const rest = corrected ? 0 : Math.max(0, 1 - seen[t - 1]);
    const percent = (share) => `${show(100 * share, 3)} %`;
    return {
      [`value at step ${t}`]: show(values[t - 1]),
      average: show(answer.averages[t - 1]),
      ...(plain && { "before its correction": show(plain[t - 1]) }),
      "weight on the values so far": percent(1 - rest),
      [`weight on the start, ${start === "zero" ? "zero" : "the first value"}`]: percent(rest),
      "effective window": `${show(answer.window, 3)} steps`,
      "half-life": `${show(answer.half_life, 3)} steps`,
      "lag behind a steady trend": `${show(answer.latency, 3)} steps`,
    };
  }
  const readout = h("dl", { class: "facts" });

  function rows() {
    const row = (value, k) => ({ step: k + 1, value, average: answer.averages[k] });
    return values.map((value, k) => ({
      ...row(value, k),
      ...(plain && { "before its correction": plain[k] }),
    }));
  }

  // The controls

  const player = transport(() => answer && draw(), told, 1);
  const specification = { name: "beta", low: 0, high: 1, default: 0.9 };
  const betaKnob = knob(specification, beta, (value) => ((beta = value), ask()), say);
  const starts = [
    ["zero", "zero"],
    ["first", "the first value"],
  ];
  const from = menu("Start at", starts, start, (name) => {
    start = name;
    corrected &&= start === "zero";
    settle();
    ask();
  });
  const id = fresh();
  const change = () => ((corrected = correction.checked), ask());
  const correction = h("input", { type: "checkbox", id, change });
  const all = numbers(rows, () => Promise.resolve(), say);
  const keep = keeping(view, {
    setting,
    restore: (given) => adopt(checkedAverage(given)),
    inPython: () => averageInPython({ ...setting(), values }),
    startOver: () => adopt(original),
  });

  function settle() {
    betaKnob.set(beta);
    from.select.value = start;
    correction.checked = corrected;
    correction.disabled = start === "first";
  }
  function adopt(given) {
    ({ beta, start, corrected } = given);
    settle();
    ask().then(() => player.go(Number.isInteger(given.step) ? given.step : total));
  }

  const elements = [
    h(
      "div",
      { class: "bar" },
      betaKnob.element,
      from.element,
      h("span", { class: "field" }, correction, h("label", { for: id }, "Correct the bias")),
    ),
    h("div", { class: "pictures" }, h("div", {}, series.box, weights.box), readout),
    player.element,
    keep.element,
    all.element,
  ];

  function begin() {
    settle();
    hear(model.get("first"));
    player.resize(total);
    player.go(original.step ?? total);
    series.svg.setAttribute("aria-label", model.get("text"));
    if (!keep.readLink()) wakeUp(view, ask);
  }
  return { elements, begin };
}
