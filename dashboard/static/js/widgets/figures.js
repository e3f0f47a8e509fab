// Key figures outside of any row: kept at the values of a room; their fragment is fetched anew when trades change.
import { put } from "../cells.js";

export function mount(element, live) {
  const only = element.dataset.only;
  const stops = [
    live.subscribe(element.dataset.room, (state) => put(element, only ? { [only]: state[only] } : state)),
  ];
  for (const room of (element.dataset.refetchRooms ?? "").split(" ").filter(Boolean)) {
    stops.push(
      live.subscribe(room, (_, { change }) => {
        if (change) htmx.trigger(element, "refetch");
      }),
    );
  }
  return () => stops.forEach((stop) => stop());
}
