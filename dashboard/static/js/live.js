// The page's one websocket. Widgets subscribe to rooms; this keeps each room's state by snapshot and deltas, asks for a new
// snapshot when a delta is missing, reconnects with growing pauses, and rests while the page is hidden.

const STALE_MS = 45_000;
const HIDDEN_MS = 30_000;
const LINGER_MS = 3_000;
const SIGNED_OUT = 4401;
const LIMIT = 4429;

const rooms = new Map(); // name → { state, seq, listeners, leaving }
const watchers = new Set();
let socket = null;
let tries = 0;
let timer = 0;
let heardAt = 0;
let status = "loading";
let resting = false;

const isOpen = () => socket !== null && socket.readyState === WebSocket.OPEN;

function address() {
  const url = new URL(document.body.dataset.socket, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

function tell(next) {
  status = next;
  for (const watcher of watchers) watcher(status, heardAt);
}

function say(message) {
  if (isOpen()) socket.send(JSON.stringify(message));
}

// --- snapshots and deltas ------------------------------------------------------------------------------------------------

const byId = (a, b) => (String(a.id) < String(b.id) ? 1 : String(a.id) > String(b.id) ? -1 : 0);

export function applied(state, change) {
  const removed = change.removed ?? {};
  const next = { ...state };
  for (const [name, value] of Object.entries(change)) {
    if (name !== "removed" && !Array.isArray(value)) next[name] = value;
  }
  const lists = new Set([...Object.keys(removed), ...Object.keys(change).filter((name) => Array.isArray(change[name]))]);
  for (const name of lists) {
    const rows = new Map((state[name] ?? []).map((row) => [row.id, row]));
    for (const id of removed[name] ?? []) rows.delete(id);
    for (const row of change[name] ?? []) rows.set(row.id, { ...rows.get(row.id), ...row });
    next[name] = [...rows.values()].sort(byId);
  }
  return next;
}

function take(message) {
  const room = rooms.get(message.room);
  if (!room) return;
  const fresh = message.type === "snapshot";
  if (!fresh && (room.state === null || message.seq !== room.seq + 1)) {
    room.state = null;
    say({ action: "subscribe", rooms: [message.room] }); // a delta is missing: start over from a snapshot
    return;
  }
  room.state = fresh ? message.data : applied(room.state, message.data);
  room.seq = message.seq;
  for (const listener of [...room.listeners]) listener(room.state, { fresh, change: fresh ? null : message.data });
}

function heard(event) {
  heardAt = Date.now();
  tries = 0;
  if (status !== "live") tell("live");
  const message = JSON.parse(event.data);
  if (message.type === "snapshot" || message.type === "delta") take(message);
}

// --- connecting ----------------------------------------------------------------------------------------------------------

function connect() {
  clearTimeout(timer);
  if (socket !== null || resting || !document.body.dataset.socket) return;
  const opened = new WebSocket(address());
  socket = opened;
  opened.addEventListener("open", () => {
    heardAt = Date.now();
    tell("live");
    if (rooms.size) say({ action: "subscribe", rooms: [...rooms.keys()] });
  });
  opened.addEventListener("message", heard);
  opened.addEventListener("close", (event) => {
    if (socket === opened) lost(event.code);
  });
}

function lost(code) {
  socket = null;
  for (const room of rooms.values()) room.state = null;
  if (resting) return;
  tell(code === SIGNED_OUT ? "error" : "disconnected");
  if (code === SIGNED_OUT) return;
  const pause = code === LIMIT ? 60_000 : Math.min(20_000, 500 * 2 ** tries);
  tries += 1;
  timer = setTimeout(connect, pause * (0.5 + Math.random()));
}

function rest() {
  resting = true;
  clearTimeout(timer);
  const open = socket;
  socket = null;
  for (const room of rooms.values()) room.state = null;
  open?.close(1000);
}

let hiding = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(rest, HIDDEN_MS);
  } else {
    resting = false;
    tries = 0;
    connect();
  }
});

setInterval(() => {
  if (!isOpen()) return;
  if (Date.now() - heardAt > STALE_MS) tell("stale");
}, 5_000);

// --- for widgets ---------------------------------------------------------------------------------------------------------

// `listener(state, { fresh, change })` is called for the snapshot and after every delta. Returns how to stop.
export function subscribe(name, listener) {
  let room = rooms.get(name);
  if (!room) {
    room = { state: null, seq: 0, listeners: new Set(), leaving: 0 };
    rooms.set(name, room);
    say({ action: "subscribe", rooms: [name] });
  }
  clearTimeout(room.leaving);
  room.listeners.add(listener);
  if (room.state !== null) listener(room.state, { fresh: false, change: null });
  connect();
  return () => {
    room.listeners.delete(listener);
    if (room.listeners.size) return;
    room.leaving = setTimeout(() => {
      rooms.delete(name);
      say({ action: "unsubscribe", rooms: [name] });
    }, LINGER_MS);
  };
}

// `watcher(status, heardAt)`: loading, live, stale, disconnected or error. Returns how to stop.
export function watch(watcher) {
  watchers.add(watcher);
  watcher(status, heardAt);
  return () => watchers.delete(watcher);
}

export { connect };
