// Fetches a fragment anew when one of its rooms changes: at most once in a second, and not while its user is typing in it.

const PAUSE_MS = 1000;

export function mount(element, live) {
  let last = 0;
  let timer = 0;

  const isBusy = () =>
    "quiet" in element.dataset && element.contains(document.activeElement) && document.activeElement.matches("input, select");

  function soon() {
    if (timer) return; // put off with each of many changes, it would never come
    timer = setTimeout(
      () => {
        timer = 0;
        if (isBusy()) return soon();
        last = Date.now();
        htmx.trigger(element, "refetch");
      },
      Math.max(100, last + PAUSE_MS - Date.now()),
    );
  }

  const mountedAt = Date.now();
  const stops = (element.dataset.rooms ?? "").split(" ").filter(Boolean).map((room) =>
    live.subscribe(room, (_, { fresh, change }) => {
      // What happened between the page's making and the first snapshot would go unseen.
      const missed = fresh && (element.dataset.settled === "no" || Date.now() - mountedAt > 3000);
      if (change || missed) soon();
    }),
  );
  return () => {
    clearTimeout(timer);
    stops.forEach((stop) => stop());
  };
}
