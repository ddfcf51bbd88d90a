"""Consent mode is heard in whatever data layer, and held against what the shopper answered."""

from __future__ import annotations

import pytest

from .farm import Farm
from .test_states import names

GOOGLE = """<script>
  window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }
  %s
  setTimeout(() => fetch('{t}/g/collect?v=2&gcs=%s', { mode: 'no-cors' }), 50);
</script>"""
DENIED = "gtag('consent', 'default', { ad_storage: 'denied', analytics_storage: 'denied' });"


@pytest.mark.parametrize(
    ("said", "gcs", "state", "name"),
    [
        ("", "G100", "before", "no default before hit"),
        (DENIED.replace("denied", "granted"), "G111", "before", "granted by default"),
        (DENIED, "G111", "before", "gcs differs"),
        (DENIED, "G100&gcd=13t3p3p3p5", "before", "gcs differs"),
        (DENIED, "G100", "refused", "no update"),
    ],
)
def test_consent_mode_that_disagrees_with_the_shopper_is_named(
    farm: Farm, said: str, gcs: str, state: str, name: str
) -> None:
    farm.page(farm.fill(GOOGLE % (said, gcs)))
    report = farm.audit((state,), pages=1)
    assert {each for each in names(report) if each[1] == "consent-mode"} >= {(state, "consent-mode", name)}


def test_consent_mode_that_agrees_is_no_finding(farm: Farm) -> None:
    farm.serve(vendors={"google": {}})
    hit = "(consent.allows('analytics') ? 'G111&gcd=13r3r3r3r5' : 'G100&gcd=13p3p3p3p5') + '"
    farm.page(farm.fill(GOOGLE % ("", "")).replace("gcs='", "gcs=' + " + hit))
    report = farm.audit(("before", "refused", "accepted", "withdrawn"), pages=1)
    assert not [each for each in report.findings if each.kind == "consent-mode"]


def test_a_page_that_begins_the_data_layer_anew_is_heard_all_the_same(farm: Farm) -> None:
    farm.serve(vendors={"google": {}})
    farm.page(
        """<script>
          dataLayer = [];
          function gtag() { dataLayer.push(arguments) }
          setTimeout(() => gtag('consent', 'default', { ad_storage: 'granted' }), 50);
        </script>"""
    )
    report = farm.audit(("before", "refused"), pages=1)
    assert names(report) == {(state, "consent-mode", "granted by default") for state in ("before", "refused")}


def test_a_data_layer_of_another_name_is_heard(farm: Farm) -> None:
    farm.page(
        farm.fill(
            """<script>
              window.shopLayer = [];
              function gtag() { shopLayer.push(arguments) }
              gtag('consent', 'default', { ad_storage: 'denied' });
              setTimeout(() => gtag('consent', 'update', { ad_storage: 'granted' }), 200);
              setTimeout(() => fetch('{t}/g/collect?v=2&gcs=G100', { mode: 'no-cors' }), 400);
            </script>
            <script async src="{t}/gtm.js?id=GTM-ABCD&l=shopLayer"></script>"""
        )
    )
    report = farm.audit(("before",), pages=1)
    assert {each.name for each in report.findings if each.kind == "consent-mode"} == {"update differs"}
