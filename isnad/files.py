"""Files that are whole or not there: written beside their place and renamed."""

from __future__ import annotations

import os
from pathlib import Path

from isnad.errors import IsnadError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` (text as UTF-8) to `path`; a reader sees the old file or the new one, never half of it.

    Raises IsnadError when the place cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        raise IsnadError(f"cannot be written: {error.strerror or error}", path=path) from error
    finally:
        beside.unlink(missing_ok=True)
