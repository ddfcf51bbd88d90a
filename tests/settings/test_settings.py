"""A wrong setting is refused at the start: file, key, what is wrong and what is accepted."""

import pytest
from conftest import ROOT

from consent_server.settings.shops import (
    ENVIRONMENT,
    Settings,
    SettingsError,
    contrast,
    duration,
    read_environment,
    read_sites,
)

MINIMAL = """
[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "https://shop.example/privacy"
policy_updated = 2025-12-20
languages = ["az", "en"]
"""
COOKIE = '[[sites.shop.cookies.analytics]]\nname = "_ga"\nprovider = "Google"\nlife = "2 years"\n'


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "consent.toml"
        path.write_text(text, encoding="utf-8")
        return read_sites(path)

    return write


def test_the_smallest_shop_is_enough(written):
    site = written(MINIMAL)["shop"]
    assert site.languages == ("az", "en")
    assert (site.revision, site.gpc) == (1, True)


def test_the_demo_shop_is_read_whole():
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    assert site.languages == ("az", "ru", "en", "tr")
    assert site.policy_updated.isoformat() == "2025-12-20"
    assert site.keep in range(181 * 86400, 184 * 86400)
    assert set(site.cookies) == {"necessary", "functional", "analytics", "marketing"}


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("x", "TOML", "Expected"),
        ("", "sites", "missing"),
        ("[sits.shop]", "sits", "did you mean 'sites'"),
        ('[sites.Shop]\nname = "x"', "sites.Shop", "a-z, 0-9"),
        (MINIMAL.replace("https://shop.example/privacy", "ftp://x"), "sites.shop.policy_url", "takes an address"),
        (MINIMAL.replace("origins", "orgins"), "sites.shop.orgins", "did you mean 'origins'"),
        (MINIMAL.replace("name =", "# name ="), "sites.shop.name", "missing"),
        (MINIMAL.replace('["https://shop.example"]', '["https://*.shop.example"]'), "sites.shop.origins", "exact"),
        (MINIMAL.replace('["https://shop.example"]', '["https://shop.example/"]'), "sites.shop.origins", "exact"),
        (MINIMAL.replace("2025-12-20", '"yesterday"'), "sites.shop.policy_updated", "2025-12-20"),
        (MINIMAL.replace('["az", "en"]', '["az", "de"]'), "sites.shop.languages", "words.de lacks"),
        (MINIMAL + "revision = 0", "sites.shop.revision", "whole number"),
        (MINIMAL + "keep = 15552000", "sites.shop.keep", "6 months"),
        (MINIMAL + 'keep = "9 years"', "sites.shop.keep", "2 years"),
        (MINIMAL + 'cookie_domain = ".shop.example"', "sites.shop.cookie_domain", "leading dot"),
        (MINIMAL + '[[sites.shop.cookies.statistics]]\nname = "x"', "sites.shop.cookies", "statistics"),
        (MINIMAL + COOKIE, "sites.shop.cookies.analytics[0].purpose", "missing"),
        (MINIMAL + COOKIE + 'purpose = {az = "x"}', "sites.shop.cookies.analytics[0].purpose", "'en'"),
        (MINIMAL + '[sites.shop.vendors.gogle]\nmode = "basic"', "sites.shop.vendors", "did you mean 'google'"),
        (MINIMAL + '[sites.shop.vendors.google]\nmode = "loud"', "sites.shop.vendors.google.mode", "basic"),
        (MINIMAL + '[[sites.shop.trackers]]\nmatch = "*"\ncategory = "analytics"', "trackers[0].match", "host"),
        (MINIMAL + '[[sites.shop.trackers]]\nmatch = "a.com"\ncategory = "x"', "trackers[0].category", "takes one of"),
        (MINIMAL + "[[sites.shop.variants]]\nweight = 1", "sites.shop.variants[0].name", "missing"),
        (MINIMAL + '[sites.shop.words.en]\nacept = "Yes"', "sites.shop.words", "did you mean 'accept'"),
        (MINIMAL + '[sites.shop.theme.refuse]\nbackground = "#777777"', "theme.refuse.background", "look like"),
        (MINIMAL + '[sites.shop.theme.refuse]\nsize = "12px"', "theme.refuse.size", "look like"),
        (MINIMAL + '[sites.shop.theme]\ntext = "#cccccc"', "sites.shop.theme.text", "4.5:1"),
        (MINIMAL + '[sites.shop.theme]\nlayout = "popup"', "sites.shop.theme.layout", "bar, box, centre"),
        (
            MINIMAL
            + '[sites.shop.theme.accept]\nbackground = "#ffffff"\n[sites.shop.theme.refuse]\nbackground = "#ffffff"',
            "theme.accept.text",
            "4.5:1",
        ),
    ],
)
def test_it_refuses(written, text, key, says):
    with pytest.raises(SettingsError) as refusal:
        written(text)
    assert "consent.toml" in str(refusal.value)
    assert key in str(refusal.value)
    assert says in str(refusal.value)


def test_a_missing_file_says_what_to_type(tmp_path):
    with pytest.raises(SettingsError, match="consent-server init"):
        read_sites(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90 s", 90), ("15m", 900), ("12 hours", 43200), ("1 day", 86400), ("6 months", 15811200), ("1 year", 31536000)],
)
def test_people_write_times(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["15552000", "soon", "-1 days", "6 parsecs", ""])
def test_it_refuses_other_times(text):
    with pytest.raises(ValueError, match="6 months"):
        duration(text)


def test_contrast_is_what_wcag_says():
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def test_settings_have_an_attribute_for_each_row_with_its_default():
    assert read_environment({}) == Settings()
    for row in ENVIRONMENT:
        assert getattr(Settings(), row.name.removeprefix("CONSENT_").lower()) == row.default


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "http", "whole number"),
        ("CONSENT_SECRET", "short", "32 characters"),
        ("REDIS_URL", "http://user:password@redis", "redis://"),
        ("CONSENT_WEBHOOK", "file:///etc/passwd", "https://"),
        ("CONSENT_WEBHOOK", "/alarms", "https://"),
        ("CONSENT_WEBHOOK", "https://a b", "https://"),
        ("CONSENT_PREFIX", "consent", "/consent"),
    ],
)
def test_the_environment_is_read_loudly(name, value, says):
    with pytest.raises(SettingsError, match=says) as refusal:
        read_environment({name: value})
    assert name in str(refusal.value)
    assert name not in ("CONSENT_SECRET", "REDIS_URL") or value not in str(refusal.value)


def test_a_setting_may_come_from_a_file_but_not_twice(tmp_path):
    path = tmp_path / "secret"
    path.write_text("s" * 40 + "\n")
    assert read_environment({"CONSENT_SECRET_FILE": str(path)}).secret == ("s" * 40,)
    with pytest.raises(SettingsError, match="both set"):
        read_environment({"CONSENT_SECRET_FILE": str(path), "CONSENT_SECRET": "s" * 40})
    with pytest.raises(SettingsError, match="cannot be read"):
        read_environment({"CONSENT_SECRET_FILE": str(tmp_path / "none")})
