"""``consent-server preview``: how a consent.toml looks before it is served."""

from __future__ import annotations

from pathlib import Path

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from ..settings.environment import read_environment
from ..web.preview import create_preview
from .serving.ports import free_port, must_be_free
from .terminal import CommandFailed, errors_to_exit_2

FIRST_PORT = 8090


class _Quiet(WSGIRequestHandler):
    """Says nothing of each frame that is asked for."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave it out."""


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), help="The consent.toml to look at (default: CONSENT_CONFIG)."
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; the next free one if left out.")
@errors_to_exit_2
def preview(config: Path | None, port: int | None) -> None:
    """Show every layer, language, variant and device of a consent.toml, and again whenever it is saved.

    It needs no Redis and no secret, keeps nothing, and answers this machine alone. Ctrl-C ends it.
    """
    path = config or read_environment().config
    if not path.exists():
        raise CommandFailed(
            f"There is no {path}: run `consent-server init` to write one, or name another with --config."
        )
    chosen = port if port else free_port("127.0.0.1", FIRST_PORT if port is None else 0)
    must_be_free("127.0.0.1", chosen)
    server = make_server("127.0.0.1", chosen, create_preview(path), threaded=True, request_handler=_Quiet)
    click.echo(f"Preview  http://127.0.0.1:{chosen}/")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        server.server_close()
