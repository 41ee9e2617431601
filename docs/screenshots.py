"""The pictures of the documentation, taken in Chromium of pages that the command line makes.

python docs/screenshots.py                      # all of them, into docs/
python docs/screenshots.py page-dark.png        # one

Shown are the seed article, a composed one (`ARTICLE`) and the server's sample, labelled by the released classifier.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SEED = ROOT / "seeds" / "000_cad93aab64d4a56d.txt"
ARTICLE = "c-17"
"""The composed article, of data/composed/c.jsonl."""
SWITCHES = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


@dataclass(frozen=True, slots=True)
class Picture:
    """A page of `source` at `width` pixels; `before` prepares it, `height` cuts it (None: all of the page)."""

    source: str
    width: int
    language: str = "en"
    scheme: str = "light"
    height: int | None = None
    before: Callable[[Any], None] | None = None


def open_details(page: Any) -> None:
    """Open the details of the first sentence that is denied."""
    page.locator(".deny .tag").first.click()


def press_sample(page: Any) -> None:
    """Label the sample article of the server's page."""
    page.click("#sample")
    page.wait_for_selector("#history:not([hidden])")
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")


PICTURES = {
    "seed.png": Picture("seed", 1000),
    "page.png": Picture("composed", 1280),
    "page-narrow.png": Picture("composed", 390, "ar", height=900),
    "page-dark.png": Picture("composed", 1280, "ar", "dark", 900, open_details),
    "serve.png": Picture("serve", 1280, before=press_sample),
}


def main(names: list[str]) -> None:
    """Take the pictures called `names`, all where there are none."""
    if unknown := set(names) - set(PICTURES):
        sys.exit(f"expected some of {', '.join(PICTURES)}, found {', '.join(sorted(unknown))}")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("expected chromium or google-chrome on the path, found neither; install one")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        for name in names or PICTURES:
            take(browser, PICTURES[name], Path(folder), ROOT / "docs" / name)
            print(f"docs/{name}")
        browser.close()


def take(browser: Any, picture: Picture, folder: Path, target: Path) -> None:
    """Make the page of `picture` in `folder` and write its image to `target`."""
    size = {"width": picture.width, "height": picture.height or 900}
    context = browser.new_context(viewport=size, color_scheme=picture.scheme, reduced_motion="reduce")
    page = context.new_page()
    with opened(picture, folder) as address:
        page.goto(address)
        if picture.before:
            picture.before(page)
        page.evaluate("() => document.fonts.ready")
        page.screenshot(path=target, full_page=picture.height is None)
        context.close()


@contextmanager
def opened(picture: Picture, folder: Path) -> Iterator[str]:
    """The address of the picture's page: a file, or that of a server while the block runs."""
    if picture.source != "serve":
        yield make_page(picture, folder).as_uri()
        return
    command = [sys.executable, "-m", "isnad", "serve", "--port", "0", "--language", picture.language]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT)
    try:
        yield re.findall(r"http://\S+", server.stdout.readline() if server.stdout else "")[0]
    finally:
        server.terminate()
        server.wait()


def make_page(picture: Picture, folder: Path) -> Path:
    """The page by `isnad page`, in the language of the picture."""
    made = folder / f"{picture.source}-{picture.language}.html"
    source = SEED if picture.source == "seed" else composed(folder)
    command = [sys.executable, "-m", "isnad", "page", str(source), "--language", picture.language, "-o", str(made)]
    subprocess.run(command, check=True, cwd=ROOT)
    return made


def composed(folder: Path) -> Path:
    """The composed article in a file of its own."""
    lines = (ROOT / "data" / "composed" / "c.jsonl").read_text(encoding="utf-8").splitlines()
    path = folder / "composed.jsonl"
    path.write_text(next(line for line in lines if json.loads(line)["doc_id"] == ARTICLE) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main(sys.argv[1:])
