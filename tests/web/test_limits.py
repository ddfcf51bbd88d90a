"""How often is counted by who somebody is, however the address is written and however many a stranger has."""

from dataclasses import replace
from unittest.mock import Mock

import pytest
from conftest import Shopper, closing

from consent_server import create_app
from consent_server.web.limits import NETWORK, plain_address

MOST = 3


@pytest.fixture
def limited(settings, site, clock):
    app = create_app(replace(settings, client_limit=MOST), {site.id: site})
    with closing(app.extensions["consent"].store):
        yield Shopper(app.test_client(use_cookies=False), site)


def shown(shopper, address):
    return shopper.client.post(f"/v1/{shopper.site.id}/shown", environ_base={"REMOTE_ADDR": address}).status_code


def test_what_is_refused_is_counted_too(limited):
    """Each notice that nobody knows is looked up in the store."""
    unknown = [
        limited.client.post(f"/v1/{limited.site.id}/shown", json={"notice": "n" * 20 + str(n)}).status_code
        for n in range(MOST + 1)
    ]
    assert unknown == [422] * MOST + [429]


def test_an_ipv4_address_is_the_same_however_ipv6_wraps_it(limited):
    spellings = ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "0:0:0:0:0:ffff:192.0.2.1")
    assert {plain_address(spelling) for spelling in spellings} == {"192.0.2.1"}
    assert [shown(limited, spelling) for spelling in spellings] == [204] * MOST + [429]
    # All that are wrapped would share one /64.
    assert shown(limited, "::ffff:192.0.2.2") == 204


def test_a_household_has_one_limit_and_its_neighbour_another(limited):
    assert [shown(limited, f"2001:db8:1:1::{n}") for n in range(1, 6)] == [204] * MOST + [429] * 2
    assert shown(limited, "2001:db8:1:2::1") == 204


def test_who_has_a_whole_48_is_limited_too_and_the_next_one_is_not(limited):
    statuses = [shown(limited, f"2001:db8:2:{n:x}::1") for n in range(MOST * NETWORK + 20)]
    assert statuses == [204] * (MOST * NETWORK) + [429] * 20
    assert shown(limited, "2001:db8:3::1") == 204


@pytest.mark.parametrize(
    "odd", ["", "unix", "fe80::1%eth0", "::ffff:1.2.3.4.5", "a:b:c", "[nobody]:1", ":", "[]:80", "[]"]
)
def test_an_address_that_is_none_is_an_address_like_any(limited, odd):
    assert [shown(limited, odd) for _ in range(MOST + 1)] == [204] * MOST + [429]
    assert shown(limited, "192.0.2.9") == 204


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        ("192.0.2.1:51234", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
    ],
)
def test_a_port_that_a_proxy_adds_is_no_part_of_an_address(limited, spelled, plain):
    assert plain_address(spelled) == plain
    assert [shown(limited, address) for address in (spelled, plain, spelled, plain)] == [204] * MOST + [429]


@pytest.mark.parametrize(("method", "path"), [("GET", "me"), ("GET", "me/receipt"), ("DELETE", "me")])
def test_what_the_log_is_read_or_written_for_has_a_limit_of_its_own(limited, method, path):
    limited.decide("analytics")
    where, headers = f"/v1/{limited.site.id}/{path}", {"Authorization": f"Bearer {limited.token}"}
    answers = [limited.client.open(where, method=method, headers=headers) for _ in range(MOST + 1)]
    assert [each.status_code for each in answers] == [200] * MOST + [429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert limited.decide("analytics", previous=None).status_code == 201, "answering is another matter"


def test_who_reports_kinds_of_banners_that_never_were_has_the_notices_read_once_a_minute(app, shopper, monkeypatch):
    notices = app.extensions["consent"].store.notices
    read = Mock(side_effect=notices.all)
    monkeypatch.setattr(notices, "all", read)
    where, headers = f"/v1/{shopper.site.id}/shown", {"Origin": shopper.site.origins[0]}
    for n in range(20):
        for field in ("lang", "variant", "rule"):
            assert shopper.client.post(where, json={field: f"x{n}"}, headers=headers).status_code == 400
    assert read.call_count == 1
