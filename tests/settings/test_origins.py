"""Origins are spelled as browsers send them, and any other spelling is refused with the right one."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from consent_server.settings.origins import origins, spelled
from consent_server.settings.shops import SettingsError, read_sites

SPELLED = {
    "https://shop.example": "https://shop.example",
    "https://shop.example:443": "https://shop.example",
    "https://shop.example:80": "https://shop.example:80",
    "https://shop.example:": "https://shop.example",
    "https://shop.example:08443": "https://shop.example:8443",
    "https://shop.example/": "https://shop.example",
    "https://shop.example.": "https://shop.example.",
    "HTTPS://Shop.Example": "https://shop.example",
    "http://127.0.0.1:80": "http://127.0.0.1",
    "http://127.1:8000": "http://127.0.0.1:8000",
    "http://0x7f.0.0.1": "http://127.0.0.1",
    "http://0177.1": "http://127.0.0.1",
    "http://2130706433": "http://127.0.0.1",
    "http://localhost:8000": "http://localhost:8000",
    "http://[::1]:8000": "http://[::1]:8000",
    "http://[0:0:0:0:0:0:0:1]:8000": "http://[::1]:8000",
    "http://[2001:DB8::0:1]": "http://[2001:db8::1]",
    "http://[1:0:0:2:0:0:0:3]": "http://[1:0:0:2::3]",
    "http://[10:0:0:1::]": "http://[10:0:0:1::]",
    "http://[fe80:0:0:0:1:0:0:0]": "http://[fe80::1:0:0:0]",
    "http://[1:0:2:3:4:5:6:7]": "http://[1:0:2:3:4:5:6:7]",
    "http://[::ffff:1.2.3.4]": "http://[::ffff:102:304]",
    "http://[::]": "http://[::]",
    "https://mağaza.az": "https://xn--maaza-l1a.az",
    "https://MAĞAZA.az": "https://xn--maaza-l1a.az",
    "https://магазин.рф": "https://xn--80aairftm.xn--p1ai",
    "https://straße.example": "https://xn--strae-oqa.example",
    "https://ＳＨＯＰ.example": "https://shop.example",
    "https://xn--maaza-l1a.az": "https://xn--maaza-l1a.az",
    "https://my_shop.example": "https://my_shop.example",
}
REFUSED = [
    *(
        "https://shop.example:99999",
        "https://shop.example:4x",
        "http://256.1.1.1",
        "http://1.2.3.4.5",
        "http://[::1::]",
    ),
    *("https://", "https://%zz.example", "https://[::1%25eth0]"),
]
"""What browsers take for no address of a page."""
NEVER = [
    *("https://shop.example/path", "https://*.example", "https://user@shop.example", "ftp://shop.example", "null"),
    *(
        "//shop.example",
        "shop.example",
        "https://shop.example?x",
        "https://shop example",
        "https://a..example",
        "https://shop.example:0",
        "https://xn--zz--.example",
        "",
    ),
]
"""What is no origin of a shop's page, whatever a browser makes of it."""


@pytest.mark.parametrize("written", SPELLED)
def test_it_knows_how_a_browser_spells_an_origin(written: str) -> None:
    assert spelled(written) == SPELLED[written]
    if written == SPELLED[written]:
        assert origins([written]) == (written,)
    else:
        with pytest.raises(ValueError, match=r"exact origins, as browsers send them: write"):
            origins([written])


@pytest.mark.parametrize("written", [*REFUSED, *NEVER])
def test_it_refuses_what_no_page_has(written: str) -> None:
    with pytest.raises(ValueError, match=r"takes exact origins .* no path, no pattern"):
        origins([written])


def test_a_browser_agrees(browser: Browser) -> None:
    page = browser.new_page()
    made = "(all) => all.map((text) => { try { return new URL(text).origin } catch { return null } })"
    try:
        assert dict(zip(SPELLED, page.evaluate(made, [*SPELLED]), strict=True)) == SPELLED
        assert page.evaluate(made, REFUSED) == [None] * len(REFUSED)
    finally:
        page.close()


@pytest.mark.parametrize("value", [[], "https://shop.example", [5], None, {}])
def test_it_takes_a_list_of_texts(value: object) -> None:
    with pytest.raises(ValueError, match="list of exact origins"):
        origins(value)


def test_the_sentence_names_file_key_and_the_right_spelling(tmp_path: Path) -> None:
    path = tmp_path / "consent.toml"
    path.write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://mağaza.az"]\n'
        'policy_url = "/privacy"\npolicy_updated = 2025-12-20\n',
        "utf-8",
    )
    with pytest.raises(SettingsError) as error:
        read_sites(path)
    assert str(error.value) == (
        f"{path}: sites.shop.origins takes exact origins, as browsers send them: "
        "write 'https://xn--maaza-l1a.az' for 'https://mağaza.az'."
    )


def test_a_cookie_of_one_host_cannot_be_shared(tmp_path: Path) -> None:
    path = tmp_path / "consent.toml"
    path.write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\nhost_cookie = true\n'
        'cookie_domain = "shop.example"\npolicy_url = "/privacy"\npolicy_updated = 2025-12-20\n'
    )
    with pytest.raises(SettingsError, match=r"sites\.shop\.host_cookie is for one host alone"):
        read_sites(path)
