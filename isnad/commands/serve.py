"""`isnad serve`: label in the browser and over HTTP."""

from __future__ import annotations

from ipaddress import ip_address

import click

from isnad.commands.common import complain, model_option
from isnad.commands.options import abstain_option
from isnad.errors import need

MEGABYTE = 1024 * 1024


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--allow-host", "names", metavar="NAME", multiple=True,
    help="A host name by which the server may be called, beside localhost and IP addresses. Can be repeated.",
)  # fmt: skip
@model_option
@abstain_option
@click.option("--sets", metavar="COVERAGE", type=float, help="As in `isnad label`.")
@click.option(
    "--language", type=click.Choice(["en", "ar"]), default="en", show_default=True, help="In which the page opens."
)
@click.option(
    "--fetch", is_flag=True,
    help="Let the page name a web address to label. Private addresses are refused, redirects to them too.",
)  # fmt: skip
@click.option(
    "--max-megabytes", default=2, show_default=True, type=click.IntRange(1, 64), help="Size of a request's body."
)
@click.option("--max-sentences", default=2000, show_default=True, type=click.IntRange(min=1), help="In one request.")
@click.option(
    "--max-requests", default=128, show_default=True, type=click.IntRange(min=1), help="At once; one more gets 503."
)
@click.option(
    "--timeout", default=30.0, show_default=True, type=click.FloatRange(min=0.1, max=3600),
    help="Seconds a request may take; then 504.",
)  # fmt: skip
@click.option(
    "--batch", default=256, show_default=True, type=click.IntRange(min=1),
    help="Sentences that waiting requests may share a run of the model for; 1 runs each request alone.",
)  # fmt: skip
def serve(
    host: str,
    port: int,
    names: tuple[str, ...],
    model: str | None,
    abstain_at: str | None,
    sets: float | None,
    language: str,
    fetch: bool,
    max_megabytes: int,
    max_sentences: int,
    max_requests: int,
    timeout: float,
    batch: int,
) -> None:
    """Serve the page and the API until Ctrl-C or SIGTERM.

    The page labels what is pasted or dropped; `POST /label` does it for programs, and /openapi.json describes it.
    Nothing that is sent is written to disk or logged. There is no password: listen on more than 127.0.0.1 behind a
    proxy that asks for one.
    """
    need("fastapi", "uvicorn", extra="serve")
    from isnad.classifier import load_classifier
    from isnad.server.run import listen, run
    from isnad.server.settings import Limits, Settings

    bound = listen(host, port)
    with bound:
        classifier = load_classifier(model, abstain_at=abstain_at, sets=sets)
        limits = Limits(
            body=max_megabytes * MEGABYTE, sentences=max_sentences, requests=max_requests, seconds=timeout, batch=batch
        )
        if not ip_address(bound.getsockname()[0].partition("%")[0]).is_loopback:
            complain("warning", "whoever reaches this address can use it; put a proxy with a password before it")
        settings = Settings(names=(host, *names), language=language, fetch=fetch, limits=limits)
        run(classifier, settings, bound, lambda address: click.echo(f"isnad answers on {address} (Ctrl-C stops it)"))
