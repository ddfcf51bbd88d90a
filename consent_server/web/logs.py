"""What is logged: a line names the request that it belongs to, and nobody."""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime
from typing import cast

import msgspec
from flask import g, has_request_context


def request_id() -> str:
    """Return the name of this request in logs and problems. A caller's would be whatever the caller wants logged."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return cast(str, g.request_id)


class _Line(logging.Formatter):
    """A log line as JSON, with the id of the request that it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name,
            "request": request_id() if has_request_context() else None,
            "message": record.getMessage(),
            "error": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return msgspec.json.encode({name: value for name, value in line.items() if value}).decode()


def write_logs(*, as_json: bool) -> None:
    """Write what is logged to standard error: one JSON object a line for machines, or plain lines for people."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line() if as_json else logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
