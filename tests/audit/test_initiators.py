"""Who is named for what goes on behind the gate: never the gate itself, nor a layer of it."""

from __future__ import annotations

import pytest

from .farm import Farm


@pytest.mark.parametrize("inline", [False, True])
def test_neither_the_gate_nor_a_layer_of_it_is_named_for_what_others_ask(farm: Farm, inline: bool) -> None:
    farm.serve(trackers=(("t.localhost", "marketing"),))  # so that each way out is wrapped
    farm.script("/own.js", "addEventListener('scroll', () => fetch('{other}/scrolled', { mode: 'no-cors' }));".replace(
        "{other}", farm.url("", "other")
    ))  # fmt: skip
    held, framed = farm.url("/held.js", "unlisted"), farm.url("/framed", "unlisted")
    assert farm.app
    gate = farm.app.test_client().get("/v1/shop/consent.js", base_url=farm.url()).text
    farm.page(
        f'<div style="height:4000px"></div><iframe title="F" data-consent="analytics" data-src="{framed}"></iframe>'
        f'<script type="text/plain" data-consent="analytics" src="{held}"></script><script src="/own.js"></script>',
        head=f'<script data-base="{farm.url("/v1/shop/")}">{gate}</script>' if inline else None,
    )
    report = farm.audit(("accepted", "withdrawn"), pages=1)
    by = {(each.state, each.name): each.initiator for each in report.findings}
    assert by == {
        ("accepted", held): farm.url(),
        ("accepted", framed): farm.url(),
        **{(state, farm.url("/scrolled", "other")): farm.url("/own.js") for state in ("accepted", "withdrawn")},
    }, report.text()
