"""What came in: counters, and the last order commands with the time their last byte arrived."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from brokers.simulators.tradovate.routes import COMMAND_PATHS

KEPT_COMMANDS = 20_000


class Traffic:
    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.frames_sent = 0
        self.commands: deque[dict[str, Any]] = deque(maxlen=KEPT_COMMANDS)

    def note_request(
        self, path: str, host: str, transport: str, args: Any, wall: float, monotonic_ns: int
    ) -> dict[str, Any] | None:
        """Count it; for an order command, the row to which the answer is added later."""
        self.requests[f"{transport} {path}"] += 1
        if path not in COMMAND_PATHS:
            return None
        body = args if isinstance(args, dict) else {}
        row = {
            "path": path,
            "host": host,
            "transport": transport,
            "clOrdId": body.get("clOrdId"),
            "accountId": body.get("accountId"),
            "orderId": body.get("orderId"),
            "isAutomated": body.get("isAutomated"),
            "received": wall,
            "received_monotonic_ns": monotonic_ns,
            "body": body,
            "status": None,
            "answer": None,
        }
        self.commands.append(row)
        return row

    def note_answer(self, path: str, status: str, row: dict[str, Any] | None, answer: bytes) -> None:
        self.answers[f"{status} {path}"] += 1
        if row is not None:
            row["status"], row["answer"] = status, answer.decode()

    def shown(self, last: int, path: str = "") -> dict[str, Any]:
        rows = [row for row in self.commands if not path or row["path"] == path]
        ids = Counter(
            row["clOrdId"] for row in rows if row["clOrdId"] and row["path"].startswith("order/place")
        )
        return {
            "requests": dict(self.requests),
            "answers": dict(self.answers),
            "frames_sent": self.frames_sent,
            "commands": rows[-last:] if last else [],
            "commands_total": len(rows),
            "not_automated": sum(row["isAutomated"] is not True for row in rows),
            "repeated_client_ids": {key: count for key, count in ids.items() if count > 1},
        }

    def clear(self) -> None:
        self.requests.clear()
        self.answers.clear()
        self.commands.clear()
        self.frames_sent = 0
