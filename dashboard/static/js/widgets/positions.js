// Open positions: a tick changes cells; a position that came or went fetches the fragment anew. Groups fold open and shut.
import { put } from "../cells.js";
import { span } from "../format.js";

const OPEN = "positions.open";
const OLD_MS = 15_000;
const WORDS = { loading: "connecting", disconnected: "not connected, showing the last known values", error: "signed out" };

const remembered = () => new Set(JSON.parse(sessionStorage.getItem(OPEN) ?? "[]"));

function fold(element, id, open) {
  const button = element.querySelector(`[data-fold="${CSS.escape(id)}"]`);
  button.setAttribute("aria-expanded", String(open));
  button.closest("tr").dataset.open = String(open);
  for (const row of element.querySelectorAll(`[data-group="${CSS.escape(id)}"]`)) row.hidden = !open;
}

function setUpFolds(element) {
  const open = remembered();
  for (const button of element.querySelectorAll("[data-fold]")) {
    const id = button.dataset.fold;
    if (open.has(id)) fold(element, id, true);
    button.addEventListener("click", () => {
      const opened = button.getAttribute("aria-expanded") !== "true";
      fold(element, id, opened);
      if (opened) open.add(id);
      else open.delete(id);
      sessionStorage.setItem(OPEN, JSON.stringify([...open]));
    });
  }
}

const wanted = (element, rows) => rows.filter((row) => !element.dataset.strategy || row.strategy === element.dataset.strategy);

// A position that was reversed between two messages is another one, though it stands on the same account.
function isOther(element, rows) {
  const shown = [...element.querySelectorAll('[data-list="positions"]')];
  const sides = new Map(shown.map((row) => [row.dataset.row, row.dataset.side]));
  return sides.size !== rows.length || rows.some((row) => sides.get(row.id) !== row.side);
}

function putRows(element, name, rows) {
  const values = new Map(rows.map((row) => [row.id, row]));
  for (const row of element.querySelectorAll(`[data-list="${name}"]`)) {
    const found = values.get(row.dataset.row);
    if (found) put(row, found);
  }
}

export function mount(element, live) {
  const label = element.querySelector(".live-state");
  let newest = 0;
  let status = "loading";
  let asked = 0;
  setUpFolds(element);

  function describe() {
    const age = newest ? Date.now() - newest : 0;
    const old = status === "live" && age > OLD_MS;
    element.dataset.live = old ? "stale" : status;
    const text = old ? `prices are ${span(age / 1000)} old` : (WORDS[status] ?? "");
    if (label.textContent !== text) label.textContent = text;
  }

  function refetch() {
    clearTimeout(asked);
    asked = setTimeout(() => htmx.trigger(element, "refetch"), 150);
  }

  const stops = [
    live.subscribe(element.dataset.room, (state) => {
      const rows = wanted(element, state.positions);
      newest = Math.max(0, ...rows.map((row) => Date.parse(row.price_at ?? "") || 0));
      if (isOther(element, rows)) refetch();
      putRows(element, "positions", rows);
      putRows(element, "groups", state.groups);
      put(element, state);
      describe();
    }),
    live.watch((next) => {
      status = next;
      describe();
    }),
  ];
  const timer = setInterval(describe, 1000);
  return () => {
    clearInterval(timer);
    clearTimeout(asked);
    stops.forEach((stop) => stop());
  };
}
