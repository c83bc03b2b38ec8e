// Live state, menu, dialogs and charts. Without this script pages can still be read, and forms still ask first.
"use strict";

// ---- Live values: one stream of events a page, morphed into place, so that focus and typed values stay. The state is
// live, paused by the button, or stale where no event has come for STALE_MS. A page that is hidden holds no stream: a
// browser opens few connections to one host.

const STALE_MS = 5000;
const RETRY_MS = 2000;
const live = document.getElementById("live");
const button = document.getElementById("live-state");
let stream = null;
let retry = 0;
let heard = performance.now();
let reason = "";
let paused = false;
let held = null;

function showState() {
  if (!button) return;
  const silent = performance.now() - heard > STALE_MS;
  const state = paused ? "paused" : silent || reason ? "stale" : "live";
  const words = {live: "Live", paused: "Paused", stale: "Stale"};
  if (button.dataset.state !== state) {
    button.dataset.state = state;
    button.querySelector(".word").textContent = words[state];
  }
  button.setAttribute("aria-pressed", String(paused));
  button.title = state === "stale" ? reason || "No answer from the server" : "Pause or resume live values";
}

function hear(problem, html = held) {
  heard = performance.now();
  reason = problem;
  held = html;
  if (held !== null && !paused) {
    htmx.swap({sourceElement: live, target: live, text: held, swap: "innerMorph"});
    held = null;
  }
  document.dispatchEvent(new CustomEvent("console:event"));
  showState();
}

function disconnect() {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

function connect() {
  disconnect();
  stream = new EventSource(live.dataset.stream);
  stream.addEventListener("message", (event) => hear("", event.data));
  stream.addEventListener("unchanged", () => hear(""));
  stream.addEventListener("stale", (event) => hear(event.data));
  stream.addEventListener("error", () => {
    reason = "Connection lost";
    showState();
    if (stream?.readyState === EventSource.CLOSED) retry = setTimeout(reconnect, RETRY_MS);
  });
}

async function reconnect() {
  try {
    // A browser does not say why a stream was refused. Where the session has ended, the page leads to the sign-in.
    const answer = await fetch(location.href, {method: "HEAD", headers: {Accept: "text/html"}, redirect: "manual"});
    if (answer.type === "opaqueredirect") location.reload();
  } catch {
    // The server is away: so says the next attempt.
  }
  connect();
}

button?.addEventListener("click", () => {
  paused = !paused;
  hear(reason);
});

if (live?.dataset.stream) {
  button.hidden = false;
  setInterval(() => {
    if (stream && performance.now() - heard > 2 * STALE_MS) {
      heard += STALE_MS; // not again at once
      reason ||= "No answer from the server";
      connect();
    }
    showState();
  }, 1000);
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  if (!document.hidden) connect();
}

// ---- Menu: on a narrow screen it scrolls, and begins at the current page.

document.querySelector(".menu [aria-current]")?.scrollIntoView({block: "nearest", inline: "center"});

// ---- Dialogs: a question that was swapped in is opened, and closed once it is answered.

const dialog = document.getElementById("question");

document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail.ctx?.target ?? event.target;
  if (target === dialog && dialog.querySelector("form")) {
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("[data-close]")?.focus();
  } else if (target?.id === "notice" && dialog.open) {
    dialog.close();
    dialog.replaceChildren();
  }
});

dialog?.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    dialog.close();
    dialog.replaceChildren();
  }
});

// ---- Charts: <div class="chart" data-chart="URL">. The answer: {from, step, now, limit, planned, actual}, s and 1/s.

const REFRESH_MS = 60000;
const charts = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const clock = new Intl.DateTimeFormat("en-GB", {hour: "2-digit", minute: "2-digit", timeZone: "UTC"});
const utc = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");
const rate = (value) => (value == null ? "–" : `${value.toFixed(value < 10 ? 2 : 1)}/s`);

function nowLine(data) {
  return (chart) => {
    const x = chart.valToPos(data.now, "x", true);
    const {ctx, bbox} = chart;
    ctx.save();
    ctx.strokeStyle = color("muted");
    ctx.fillStyle = color("muted");
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.textAlign = "left";
    ctx.font = `${11 * devicePixelRatio}px system-ui`;
    ctx.fillText(" now", x, bbox.top + 10 * devicePixelRatio);
    ctx.restore();
  };
}

function options(element, data) {
  const grid = {stroke: color("line"), width: 1};
  const axis = {stroke: color("muted"), grid, ticks: {show: false}, font: "12px system-ui"};
  const line = (name, more) => ({label: name, stroke: color(name), width: 1.5, value: (_, v) => rate(v), ...more});
  const series = [
    {label: "UTC", value: (_, seconds) => (seconds == null ? "–" : clock.format(seconds * 1000))},
    line("planned", {fill: color("planned-fill")}),
  ];
  if (data.actual) series.push(line("actual"));
  if (data.limit != null) series.push(line("limit", {dash: [6, 4]}));
  return {
    width: element.clientWidth,
    height: 240,
    tzDate: utc,
    scales: {y: {range: (_, low, high) => [0, Math.max(high, data.limit ?? 0, 0.1) * 1.1]}},
    padding: [8, 12, 0, 0],
    series,
    axes: [
      {...axis, size: 28, space: 60, values: (_, ticks) => ticks.map((seconds) => clock.format(seconds * 1000))},
      {...axis, size: 44},
    ],
    cursor: {y: false, drag: {x: false, y: false}, points: {show: false}},
    legend: {markers: {width: 3}},
    hooks: {draw: [nowLine(data)]},
  };
}

function columns(data) {
  const seconds = data.planned.map((_, at) => data.from + at * data.step);
  const found = [seconds, data.planned];
  if (data.actual) found.push(data.actual);
  if (data.limit != null) found.push(seconds.map(() => data.limit));
  return found;
}

function draw(element, data) {
  charts.get(element)?.plot?.destroy();
  element.replaceChildren();
  const plot = new uPlot(options(element, data), columns(data), element);
  charts.set(element, {url: element.dataset.chart, data, plot, width: element.clientWidth});
}

async function refresh(element) {
  const url = element.dataset.chart;
  charts.set(element, {...charts.get(element), url});
  try {
    const answer = await fetch(url, {headers: {Accept: "application/json"}});
    if (answer.ok && element.isConnected && element.dataset.chart === url) draw(element, await answer.json());
  } catch {
    // The next refresh tries again; the live state tells that the server does not answer.
  }
}

function drawCharts() {
  for (const element of charts.keys()) if (!element.isConnected) charts.delete(element);
  for (const element of document.querySelectorAll("[data-chart]")) {
    if (charts.get(element)?.url !== element.dataset.chart) refresh(element);
  }
}

function redraw() {
  for (const [element, {data}] of charts) if (data && element.isConnected) draw(element, data);
}

document.addEventListener("htmx:after:swap", drawCharts);
dark.addEventListener("change", redraw);
addEventListener("resize", () => {
  for (const [element, {data, width}] of charts) if (data && element.clientWidth !== width) draw(element, data);
});
setInterval(() => {
  if (!document.hidden && !paused) for (const element of charts.keys()) refresh(element);
}, REFRESH_MS);
drawCharts();
