"""Why a body was not understood."""

from __future__ import annotations


class Refusal(Exception):
    """The alert cannot be acted on. ``code`` is for programs; ``message`` says what happened and what to do next."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def printable(text: str) -> str:
    """One line that can be shown anywhere: what does not print becomes a blank."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def shown(value: object, limit: int = 40) -> str:
    """A value as it may appear in a message: short, on one line, in quotes when it is text."""
    text = printable(str(value))
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return f'"{text}"' if isinstance(value, str) else text
