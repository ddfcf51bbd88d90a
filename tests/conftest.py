"""What the tests share: real servers, a real browser, and the same few people everywhere.

The people: the shopper, the marketer of this shop, the marketer of another shop, a stranger. Every server has a free
port or a socket of its own, prints its last words when a test fails, and is ended by its own process id.
"""

from __future__ import annotations

import math
from typing import Any
from zlib import crc32

import hypothesis
import pytest
from werkzeug.routing import Rule

PLUGINS = ("stores", "people", "live", "browsers")
pytest.register_assert_rewrite(*PLUGINS)

from browsers import QUIETLY, chromium_path  # noqa: E402
from checkout import CONSENT_SERVER, RESULTS, ROOT  # noqa: E402
from live import Live, left_of  # noqa: E402
from people import SECRET, Clock, EndsAtRest, Shopper, _logged_in  # noqa: E402
from stores import SECONDS_TO_START, Cluster, RedisServer, binary_of, closing, free_port  # noqa: E402

pytest_plugins = PLUGINS

__all__ = [
    "CONSENT_SERVER",
    "QUIETLY",
    "RESULTS",
    "ROOT",
    "SECONDS_TO_START",
    "SECRET",
    "Clock",
    "Cluster",
    "EndsAtRest",
    "Live",
    "RedisServer",
    "Shopper",
    "_logged_in",
    "binary_of",
    "chromium_path",
    "closing",
    "free_port",
    "left_of",
]

_compile_builder = Rule._compile_builder
_compiled: dict[Any, Any] = {}


def _compile_builder_once(rule: Rule, append_unknown: bool = True) -> Any:
    """Compile what makes an address out of a rule once, not in each app of each test: it was two thirds of an app."""
    of = (tuple(rule._trace), repr(rule.defaults), append_unknown)
    if of not in _compiled:
        _compiled[of] = _compile_builder(rule, append_unknown)
    return _compiled[of]


Rule._compile_builder = _compile_builder_once  # type: ignore[method-assign]

hypothesis.settings.register_profile("untimed", deadline=None)  # how long a case takes says how busy the machine is
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store",
        choices=("valkey", "redis7"),
        default="valkey",
        help="what the server keeps decisions in, where a test does not try all: the embedded Valkey or redis-server",
    )
    parser.addoption(
        "--few",
        action="store_true",
        help="of a browser test with many cases try a few, always the same: the root of their number, three at least",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out most cases of the long tables that real browsers try: they are half of the suite's time."""
    if not config.getoption("--few"):
        return
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out: set[pytest.Item] = set()
    for cases in tables.values():
        # In the order of a sum of their names, so that those of two tables crossed are not all of one row; without the
        # name of the file, so that they are the same in another one.
        cases.sort(key=lambda case: crc32(case.nodeid.partition("::")[2].encode()))
        left_out.update(cases[max(3, math.isqrt(len(cases))) :])
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=[*left_out])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "troubles(pattern): a page may report errors whose text matches the pattern")
