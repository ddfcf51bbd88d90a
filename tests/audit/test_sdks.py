"""What shops really load, as npm has it: named when it does not wait for an answer, and clean when it does."""

from __future__ import annotations

import pytest
from browser.libraries import bundle
from werkzeug.wrappers import Response

from .farm import Farm, cookie

SDKS = {
    "posthog": (
        "import posthog from 'posthog-js'; posthog.init('phc_key', { api_host: '{t}', request_batching: false });"
        " posthog.capture('seen');"
    ),
    "sentry": (
        "import * as Sentry from '@sentry/browser'; Sentry.init({ dsn: '{key}/1' });"
        " Sentry.captureException(Error('once'));"
    ),
    "mixpanel": (
        "import mixpanel from 'mixpanel-browser'; mixpanel.init('key', { api_host: '{t}', batch_requests: false,"
        " track_pageview: true });"
    ),
    "amplitude": (
        "import * as amplitude from '@amplitude/analytics-browser';"
        " amplitude.init('key', { serverUrl: '{t}/2/httpapi', remoteConfig: { fetchRemoteConfig: false } });"
        " amplitude.track('seen').promise; amplitude.flush();"
    ),
    "plausible": (
        "import { init } from '@plausible-analytics/tracker'; init({ domain: 'shop', endpoint: '{t}/api/event' });"
    ),
}


KEPT = (
    *("ph_*", "__ph_*", "dmn_chk_*", "__mplssupport__", "__support__", "test"),
    *("mp_*", "__mp*", "mixpanel*", "AMP_*", "amp_*", "EXP_*"),
)
"""What they leave, and what they try storage with."""


@pytest.mark.parametrize("gated", [True, False])
def test_sdks_of_real_vendors_are_named_unless_they_wait(farm: Farm, gated: bool) -> None:
    # Without a pattern nothing holds what is not marked.
    trackers = (("*.vendor.localhost", "analytics"),) if gated else ()
    listed = {"analytics": tuple(cookie(name) for name in KEPT)}
    farm.serve(trackers=trackers, cookies=listed)
    for name, source in SDKS.items():
        host = farm.url("", f"{name}.vendor")
        text = bundle(source.replace("{t}", host).replace("{key}", host.replace("://", "://key@")))
        farm.files[f"/{name}.js"] = lambda _, text=text: Response(text, content_type="text/javascript")  # type: ignore[misc]
    wait = ' type="text/plain" data-consent="analytics"' if gated else ""
    farm.page("".join(f'<script{wait} src="/{name}.js"></script>' for name in SDKS))
    report = farm.audit(pages=1, wait=1.5)
    if gated:
        # What runs already is not ended by a withdrawal: PostHog, which nobody tells of it here, keeps things anew.
        goes_on = [
            each for each in report.findings if (each.state, each.initiator) == ("withdrawn", farm.url("/posthog.js"))
        ]
        assert report.findings == goes_on, report.text()
        assert all(each.kind != "request" for each in goes_on)
        asked = {host for host, _, _ in farm.hits}
        assert {f"{name}.vendor" for name in SDKS} <= asked
    else:
        for state in ("before", "refused", "withdrawn", "gpc"):
            hosts = {each.host for each in report.findings if (each.state, each.kind) == (state, "request")}
            assert {farm.host(f"{name}.vendor") for name in SDKS} <= hosts
