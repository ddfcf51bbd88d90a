"""What a page does by way of a tracker's own page, which leads back, is the shop's."""

from __future__ import annotations

from werkzeug.wrappers import Response

from .farm import Farm


def test_a_bounce_through_a_trackers_page_is_named_with_what_it_leaves_and_asks(farm: Farm) -> None:
    sets = {"Set-Cookie": "bid=1; SameSite=None; Secure; Max-Age=1000"}
    html = f"<script>fetch('/px', {{ keepalive: true }}); location = '{farm.url('/?back=1')}'</script>"
    farm.files["/bounce"] = lambda _: Response(html, 200, sets, content_type="text/html")
    farm.page(farm.fill("<script>if (!location.search) location = '{t}/bounce?back=' + location</script>"))
    report = farm.audit(("before", "refused"), pages=1)
    found = {(each.state, each.kind, each.name, each.initiator) for each in report.findings}
    bounce = farm.url("/bounce", "t")
    assert found == {
        (state, *each)
        for state in ("before", "refused")
        for each in (
            ("request", bounce, farm.url("/")),
            ("cookie", "bid", bounce),
            ("request", farm.url("/px", "t"), bounce),
        )
    }, report.text()
