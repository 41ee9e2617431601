"""The one exception for trouble that a user can mend; doors print it without a traceback."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


class IsnadError(Exception):
    """A sentence for the user: what was expected, what was found, what to do.

    `path` and `line` (counted from 1) say where, when there is a where.
    """

    def __init__(self, message: str, *, path: str | Path | None = None, line: int | None = None) -> None:
        self.path = path
        self.line = line
        where = ""
        if path is not None:
            where = f"{path}:{line}: " if line is not None else f"{path}: "
        super().__init__(where + message)


def need(*modules: str, extra: str) -> None:
    """Raises IsnadError when one of `modules` is not installed; `extra` is what brings it."""
    missing = [m for m in modules if find_spec(m) is None]
    if missing:
        raise IsnadError(f'this needs {" and ".join(missing)}: pip install "isnad[{extra}]"')
