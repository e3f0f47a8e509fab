"""An alert's raw text as its owner may see it: byte for byte, but without what can be used to send alerts.

Secrets are found by what we know (the owner's own), by name in the JSON at any depth, and by shape in text that is no
JSON. The layout of the text stays as it was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from tradeproject.common.logging import MASK, mask_text

_NAMES = (
    "key|token|secret|passphrase|api[_-]?key|password|passwd|webhook[_-]?secret|auth[_-]?token|access[_-]?token"
    "|refresh[_-]?token|client[_-]?secret"
)
_NAME = re.compile(rf"(?i)^(?:{_NAMES})$")
# name, optional quote, separator, optional quote, value: covers JSON with any quotes, pairs and form fields
_PAIR = re.compile(rf"(?i)(\b(?:{_NAMES})[\"'“”‘’]?\s*[:=]\s*[\"'“”‘’]?)([^\s\"'“”‘’,;&{{}}\[\]]+)")
SHORTEST_SECRET = 4  # what is shorter would blank out half of the text, and protects nothing


def mask_body(body: bytes, known: Collection[str] = ()) -> str:
    """The text of an alert with its secrets masked; bytes that are no UTF-8 are written as \\xNN."""
    text = body.decode("utf-8", "backslashreplace")
    for secret in sorted((item for item in known if len(item) >= SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for secret in _named_secrets(text):
        for written in (json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
            text = text.replace(written, f'"{MASK}"')
    text = _PAIR.sub(lambda match: match[1] + MASK, text)
    return "\n".join(mask_text(line) for line in text.split("\n"))


def _named_secrets(text: str) -> Iterator[str]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return iter(())
    return _walk(data)


def _walk(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for name, value in data.items():
            if _NAME.match(name) and isinstance(value, str):
                if value:
                    yield value
            else:
                yield from _walk(value)
    elif isinstance(data, list):
        for item in data:
            yield from _walk(item)
