"""What a shop leaks is named with its state, kind and initiator, whatever its way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import closing
from werkzeug.wrappers import Response

from consent_server.audit.report import Report
from consent_server.audit.states import STATES
from consent_server.settings.environment import Settings

from .farm import Farm
from .plants import PLANTS, Plant


def plant(farm: Farm, name: str, what: Plant) -> None:
    """Put a leak on a page of its own; its scripts are in a folder of that name."""

    def own(text: str) -> str:
        for path in what.scripts:
            text = text.replace(f"/{path}", f"/{name}/{path}")
        return at(farm, text).replace("{frame}", farm.url(f"/{name}/inner.html", what.by_host))

    farm.page(own(what.body), f"/{name}")
    for path, text in what.scripts.items():
        kind = "text/html" if path.endswith(".html") else "text/javascript"
        body, headers = own(text), {"Access-Control-Allow-Origin": "*"}
        farm.files[f"/{name}/{path}"] = lambda _, body=body, kind=kind, headers=headers: Response(  # type: ignore[misc]
            body, 200, headers, content_type=kind
        )


def at(farm: Farm, text: str) -> str:
    for word, address in (
        ("{t}", farm.url("", "t")), ("{ws}", farm.url("", "t", "ws")), ("{good}", farm.url("", "good")),
        ("{shop}", farm.url("")), ("{dns}", farm.url("/", "dns")), ("{https}", farm.url("", "t", "https")),
        *((f"{{{host}}}", farm.url("", host, "stun")) for host in ("stun", "stun-later", "stun-old")),
    ):  # fmt: skip
        text = text.replace(word, address)
    return text


@pytest.fixture(scope="module")
def leaking(request: pytest.FixtureRequest) -> Iterator[tuple[Farm, Report]]:
    """A shop with every leak, and its audit."""
    server = request.getfixturevalue("valkey")
    farm = Farm(Settings(secret=("the-secret-of-the-tests-is-long-enough",), redis_url=server.url)).serve()
    farm.page("".join(f'<a href="/{name}">{name}</a>' for name in PLANTS))
    for name, what in PLANTS.items():
        plant(farm, name, what)
    farm.files["/hop"] = lambda _: Response("", 302, {"Location": farm.url("/middle", "t")})
    farm.files["/middle"] = lambda _: Response("", 302, {"Location": farm.url("/end.gif")})
    sets = lambda _: Response("", 200, {"Set-Cookie": "hidden=1; HttpOnly; SameSite=None; Secure; Path=/"})  # noqa: E731
    farm.files["/sets"] = sets
    lasts = lambda _: Response("", 200, {"Set-Cookie": "_t_longer=1; HttpOnly; Path=/; Max-Age=315360000"})  # noqa: E731
    farm.files["/sets-long"] = lasts
    farm.start()
    yield farm, farm.audit(pages=len(PLANTS) + 1)
    farm.stop()
    assert farm.app
    with closing(farm.app.extensions["consent"].store):
        pass


@pytest.mark.parametrize("name", PLANTS)
def test_a_leak_is_named_with_state_kind_and_initiator(leaking: tuple[Farm, Report], name: str) -> None:
    farm, report = leaking
    what = PLANTS[name]
    wanted = at(farm, what.name)
    host = f"{what.host[:-1]}.localhost" if what.host.endswith(":") else farm.host(what.host)
    found = [each for each in report.findings if (each.kind, each.name, each.host) == (what.kind, wanted, host)]
    states = {each.state for each in found}
    assert {*what.states} <= states <= {*what.states, *what.also}, report.text()
    path = f"{name}/{what.by}" if what.by in what.scripts else what.by or name
    assert {each.initiator for each in found} == ({farm.url(f"/{path}", what.by_host)} if states else set())
    assert all(each.fix for each in found)


def test_each_cookie_is_one_finding_whoever_saw_it(leaking: tuple[Farm, Report]) -> None:
    _, report = leaking
    for state in STATES:
        names = [(each.name, each.host) for each in report.findings if (each.kind, each.state) == ("cookie", state)]
        assert len(names) == len(set(names))
        assert all(":" not in host and host for _, host in names)


def test_everything_that_is_found_was_planted(leaking: tuple[Farm, Report]) -> None:
    farm, report = leaking
    known = {at(farm, what.name) for what in PLANTS.values()}
    known |= {farm.url("/import/module.js", "t"), *(farm.url(f"/{n}/inner.html", p.by_host) for n, p in PLANTS.items())}
    known |= {farm.url("/.well-known/web-identity", "t"), farm.url("/sets", "t")}
    known |= {*(farm.url(f"/{n}/{w}") for n, p in PLANTS.items() for w in p.scripts)}
    assert report.findings
    assert {each.name for each in report.findings} <= known, report.text()
