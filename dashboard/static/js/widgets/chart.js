// The equity curve, with the drawdown below it where there is room. The points come computed from the server.
import { AreaSeries, createChart, LineType } from "../../vendor/lightweight-charts.js";
import { money } from "../format.js";

const REST_MS = 1500; // of many trades that close together the curve is drawn once

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function colours() {
  return {
    layout: {
      background: { color: "transparent" },
      textColor: token("--text-faint"),
      fontFamily: token("--font"),
      fontSize: 11,
      attributionLogo: false,
      panes: { separatorColor: token("--line"), enableResize: false },
    },
    grid: { vertLines: { visible: false }, horzLines: { color: token("--line") } },
    crosshair: { vertLine: { color: token("--text-faint") }, horzLine: { color: token("--text-faint") } },
  };
}

// The chart's own parser knows no modern colour syntax; a canvas turns any colour into hex.
function wash(name) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = token(name);
  const hex = probe.fillStyle;
  return { lineColor: hex, topColor: `${hex}40`, bottomColor: `${hex}05` };
}

function dayFormat(zone) {
  const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: zone });
  const full = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", timeZone: zone });
  return { day: (time) => day.format(time * 1000), full: (time) => full.format(time * 1000) };
}

function draw(place, { mode, currency }) {
  const days = dayFormat(document.body.dataset.timezone || "UTC");
  const chart = createChart(place, {
    ...colours(),
    autoSize: true,
    localization: { priceFormatter: (value) => money(value.toFixed(2), currency), timeFormatter: days.full },
    timeScale: { borderVisible: false, timeVisible: true, tickMarkFormatter: days.day, fixLeftEdge: true, fixRightEdge: true },
    rightPriceScale: { borderVisible: false },
    handleScroll: { vertTouchDrag: false },
  });
  const options = { lineWidth: 2, lineType: LineType.WithSteps, priceLineVisible: false, crosshairMarkerRadius: 3 };
  const equity = chart.addSeries(AreaSeries, { ...options, ...wash("--accent") });
  const fall = mode === "drawdown" ? chart.addSeries(AreaSeries, { ...options, ...wash("--loss"), invertFilledArea: true }, 1) : null;
  if (fall) chart.panes()[1].setStretchFactor(0.35);
  const fit = new ResizeObserver(() => chart.timeScale().fitContent());
  fit.observe(place);
  const recolour = () => {
    chart.applyOptions(colours());
    equity.applyOptions(wash("--accent"));
    fall?.applyOptions(wash("--loss"));
  };
  document.addEventListener("themechange", recolour);
  return {
    set(points) {
      equity.setData(points.map((point) => ({ time: point.time, value: Number(point.value) })));
      fall?.setData(points.map((point) => ({ time: point.time, value: Number(point.drawdown) })));
      chart.timeScale().fitContent();
    },
    stop() {
      document.removeEventListener("themechange", recolour);
      fit.disconnect();
      chart.remove();
    },
  };
}

function show(element, state) {
  element.dataset.state = state;
  for (const part of element.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
}

async function pointsOf({ url, query }) {
  const answer = await fetch(url + (query ? `?${query}` : ""), { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return (await answer.json()).points;
}

export async function mount(element, live) {
  let curve = null;
  let timer = 0;

  async function load() {
    try {
      const points = await pointsOf(element.dataset);
      show(element, points.length ? "live" : "empty");
      if (!points.length) return;
      curve ??= draw(element.querySelector(".chart-place"), element.dataset);
      curve.set(points);
    } catch {
      if (!curve) show(element, "error"); // a curve that is there already stays, and is tried again
    }
  }

  // Listening first: a trade that closes while the points are on their way is in the next load.
  const leave = live.subscribe("trades", (_, { change }) => {
    // One that already waits brings this change too; put off with each of many, it would never come.
    if (!change || timer) return;
    timer = setTimeout(() => {
      timer = 0;
      load();
    }, REST_MS);
  });
  await load();
  return () => {
    clearTimeout(timer);
    leave();
    curve?.stop();
  };
}
