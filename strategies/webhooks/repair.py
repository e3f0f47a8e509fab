"""Repairs of almost-JSON that cannot change its meaning. Each is a pure function from text to text.

A message that is typed into a chart picks up what keyboards, word processors and chat windows add: curly quotes,
invisible characters, code fences, a comma too many. Nothing here chooses between two readings: where there are two,
the text stays broken and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_CURLY = "“”„‟"
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_SPACES = dict.fromkeys((0x00A0, 0x2007, 0x202F), " ")
_SINGLE_QUOTED = re.compile(r"(?<=[{\[,:\s])'([^'\"\\]*)'(?=\s*[,:}\]])")
_RAW = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _marked(text: str) -> Iterator[tuple[str, bool]]:
    """Every character with whether it stands inside a double-quoted string (its quotes count as outside)."""
    inside = escaped = False
    for char in text:
        if inside:
            ends = char == '"' and not escaped
            yield char, not ends
            escaped = char == "\\" and not escaped
            inside = not ends
        else:
            yield char, False
            inside = char == '"'


def outside_strings(text: str) -> str:
    """What is left of a JSON-like text without the contents of its strings."""
    return "".join(char for char, in_string in _marked(text) if not in_string)


def plain_characters(text: str) -> str:
    """Curly double quotes that delimit become straight, odd spaces plain; invisible characters go."""
    text = text.translate(_SPACES).translate(_INVISIBLE)
    if not any(mark in text for mark in _CURLY):
        return text
    result, inside, escaped, closers = [], False, False, ""
    for char in text:
        if not inside and (char == '"' or char in _CURLY):
            inside, closers = True, '"' if char == '"' else '"' + _CURLY
            char = '"'
        elif inside and not escaped and char in closers:
            inside, char = False, '"'
        escaped = inside and char == "\\" and not escaped
        result.append(char)
    return "".join(result)


def only_object(text: str) -> str:
    """The one balanced top-level object, without a code fence or words around it.

    Words with brackets or quotes of their own might belong to the data, so those stay and the text is refused.
    """
    depth, start, end = 0, -1, -1
    for index, (char, in_string) in enumerate(_marked(text)):
        if in_string or char not in "{}":
            continue
        depth += 1 if char == "{" else -1
        if depth < 0 or (depth == 1 and char == "{" and end >= 0):
            return text
        if depth == 1 and start < 0:
            start = index
        if depth == 0:
            end = index
    if depth or start < 0:
        return text
    around = text[:start] + text[end + 1 :]
    return text if re.search(r"[\[\]\"]", around) else text[start : end + 1]


def no_trailing_commas(text: str) -> str:
    """A comma directly before a closing brace or bracket says nothing."""
    kept: list[str] = []
    following = ""
    for char, in_string in reversed(list(_marked(text))):
        if char == "," and not in_string and following in {"}", "]"}:
            following = char
            continue
        kept.append(char)
        following = following if char.isspace() else char
    return "".join(reversed(kept))


def double_quoted(text: str) -> str:
    """A dict in single quotes, when no string holds a quote of either kind or a backslash."""
    if '"' in text or "\\" in text:
        return text
    changed = _SINGLE_QUOTED.sub(r'"\1"', text)
    return text if "'" in changed else changed


def escaped_breaks(text: str) -> str:
    """Line breaks and tabs inside strings, written the way JSON wants them."""
    return "".join(_RAW.get(char, char) if in_string else char for char, in_string in _marked(text))


REPAIRS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("replaced typographic quotes, odd spaces or invisible characters", plain_characters),
    ("took the one object out of the text around it", only_object),
    ("removed a trailing comma", no_trailing_commas),
    ("turned single quotes into double quotes", double_quoted),
    ("escaped a line break or tab inside a text", escaped_breaks),
)
