"""A wrong setting is refused at the start: file, key, what is wrong and what is accepted. Each default stands once."""

import pytest
from conftest import ROOT
from examples import example
from generated import TABLES, path_of, toml
from settings_file import lines, written

from consent_server.settings.rows import REQUIRED, SettingsError, duration
from consent_server.settings.shops import SITE, read_sites
from consent_server.settings.theme import contrast

__all__ = ["written"]

MINIMAL = """
[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "https://shop.example/privacy"
policy_updated = 2025-12-20
languages = ["az", "en"]
"""
COOKIE = '[[sites.shop.cookies.analytics]]\nname = "_ga"\nprovider = "Google"\nlife = "2 years"\n'


def test_the_smallest_shop_is_enough(written):
    site = written(MINIMAL)["shop"]
    assert site.languages == ("az", "en")
    assert (site.revision, site.gpc) == (1, True)


def test_a_shop_lists_origins_for_tests_and_none_of_its_own(written):
    assert written(MINIMAL)["shop"].test_origins == ()
    listed = MINIMAL.replace("[sites.shop]\n", f"[sites.shop]\n{example('testing config')}")
    assert written(listed)["shop"].answered_by_address == ("https://staging.shop.example",)
    own = written(MINIMAL)["shop"].origins[0]
    with pytest.raises(SettingsError, match=r"sites\.shop\.test_origins has .* one of origins"):
        written(f'{MINIMAL}test_origins = ["{own}"]\n')
    local = MINIMAL.replace(own, "http://shop.localhost:3000")
    with pytest.raises(SettingsError, match=r"has .* one of origins, where an address may answer as it is"):
        written(f'{local}test_origins = ["http://shop.localhost:3000"]\n')
    with pytest.raises(SettingsError, match=r"sites\.shop\.test_origins takes"):
        written(f'{MINIMAL}test_origins = "https://x.example"\n')


def test_a_shop_says_what_share_of_page_views_is_watched(written):
    assert written(MINIMAL)["shop"].watch == 0
    assert written(MINIMAL.replace("[sites.shop]\n", example("watch")))["shop"].watch == 0.01


@pytest.mark.parametrize("wrong", ["1", "0.01", '"101%"', '"-1%"', '"1 %%"', '"some"', "true", '"1e2%"', "[]"])
def test_a_share_is_written_as_a_percentage(written, wrong):
    with pytest.raises(SettingsError, match=r'sites\.shop\.watch takes a share from "0%" to "100%"'):
        written(f"{MINIMAL}watch = {wrong}")


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("privacy@shop.example", "privacy@shop.example"),
        ("mailto:privacy@shop.example", "privacy@shop.example"),
        ("https://shop.example/contact", "https://shop.example/contact"),
        ("/contact", "/contact"),
    ],
)
def test_a_contact_is_an_e_mail_address_or_a_page(written, text, contact):
    assert written(f'{MINIMAL}contact = "{text}"')["shop"].contact == contact


def test_a_file_with_a_byte_order_mark_is_read(written):
    assert written("\N{ZERO WIDTH NO-BREAK SPACE}" + MINIMAL) == written(MINIMAL)


@pytest.mark.parametrize("origin", ["http://[::1]:3000", "http://[::1]"])
def test_the_host_of_a_shop_may_be_an_address_of_ipv6(written, origin):
    text = MINIMAL.replace('["https://shop.example"]', f'["{origin}"]')
    assert written(text)["shop"].domains == ("[::1]",)


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
        (f'{MINIMAL}contact = "the desk"', "sites.shop.contact", "takes an e-mail address, or a page such as"),
        (f'{MINIMAL}contact = "javascript:alert(1)"', "sites.shop.contact", "takes an e-mail address, or a page"),
        (MINIMAL.replace("origins", "orgins"), "sites.shop.orgins", "did you mean 'origins'"),
        (MINIMAL.replace("name =", "# name ="), "sites.shop.name", "missing"),
        (MINIMAL.replace('["https://shop.example"]', '["https://*.shop.example"]'), "sites.shop.origins", "exact"),
        (MINIMAL.replace('["https://shop.example"]', '["https://shop.example/"]'), "sites.shop.origins", "exact"),
        (MINIMAL.replace("2025-12-20", '"yesterday"'), "sites.shop.policy_updated", "2025-12-20"),
        (MINIMAL.replace('["https://shop.example"]', '["https://\u00ad"]'), "sites.shop.origins", "exact"),
        (MINIMAL.replace('["https://shop.example"]', '["https://\u200b."]'), "sites.shop.origins", "exact"),
        (MINIMAL + f"revision = {'9' * 5000}", "TOML", "digits"),
        (MINIMAL + f"keep = {'[' * 5000}", "TOML", "recursion"),
        (MINIMAL + 'prove = "9999 years"', "sites.shop.prove", "100 years"),
        (MINIMAL + '[[sites.shop.variants]]\nname = "a\\u001fb"', "variants[0].name", "can be seen"),
        (MINIMAL + f'[[sites.shop.variants]]\nname = "{"a" * 81}"', "variants[0].name", "80 characters"),
        (MINIMAL + """[sites.shop.theme]\nfont = "'Inter" """, "sites.shop.theme.font", "font families"),
        (MINIMAL + """[sites.shop.theme]\nfont = '"Inter' """, "sites.shop.theme.font", "font families"),
        (MINIMAL + """[sites.shop.theme]\nfont = '"In\\\\ter"' """, "sites.shop.theme.font", "font families"),
        (MINIMAL + """[sites.shop.theme]\nfont = '"In;ter"' """, "sites.shop.theme.font", "font families"),
        (MINIMAL + '[sites.shop.theme.accept]\nsize = "0px"', "theme.accept.size", "can be read"),
        (MINIMAL + '[sites.shop.theme.accept]\nsize = "9rem"', "theme.accept.size", "can be read"),
        (MINIMAL + '[sites.shop.theme]\naccent = "#a6192e"\ndark = "black"', "sites.shop.theme.dark", "takes a table"),
        (MINIMAL.replace('["az", "en"]', '["az", "eo"]'), "sites.shop.languages", "words.eo lacks"),
        (MINIMAL + "revision = 0", "sites.shop.revision", "whole number"),
        (MINIMAL + "keep = 15552000", "sites.shop.keep", "6 months"),
        (MINIMAL + 'keep = "9 years"', "sites.shop.keep", "2 years"),
        (MINIMAL + 'cookie_domain = ".shop.example"', "sites.shop.cookie_domain", "leading dot"),
        (MINIMAL + '[[sites.shop.cookies.statistics]]\nname = "x"', "sites.shop.cookies", "statistics"),
        (MINIMAL + COOKIE, "sites.shop.cookies.analytics[0].purpose", "missing"),
        (MINIMAL + COOKIE + 'purpose = {az = "x"}', "sites.shop.cookies.analytics[0].purpose", "'en'"),
        (MINIMAL + '[sites.shop.vendors.gogle]\nmode = "basic"', "sites.shop.vendors", "did you mean 'google'"),
        (MINIMAL + '[sites.shop.vendors.google]\nmode = "loud"', "sites.shop.vendors.google.mode", "basic"),
        *(
            (MINIMAL + f"[sites.shop.vendors.{name}]", "sites.shop.vendors", f'write services = ["{service}"]')
            for name, service in {"linkedin": "linkedin", "snap": "snapchat", "segment": "segment"}.items()
        ),
        *(
            (MINIMAL + f"[sites.shop.vendors.{name}]", "sites.shop.vendors has", says)
            for name, says in {
                "ga4": """'ga4', which is told by [vendors.google]; services = ["ga4"] brings that too""",
                "meta-pixel": "which is told by [vendors.meta]; services",
                "hotjar": "and its tag waits until it is allowed",
                "stripe": "and it is listed, and no tag waits",
            }.items()
        ),
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


SPELLED = [
    *(
        (path_of(head), row, f"{MINIMAL}{head}\n{lines(rows, required)}", f"{row.name} = {toml(row.default)}\n")
        for heads, rows in TABLES.items()
        for head in heads
        for row in rows
        if path_of(head) and row.default is not REQUIRED and row.default is not None
        for required in [lambda row: row.example if row.default is REQUIRED else None]
    ),
    *(
        ("", row, MINIMAL.replace('languages = ["az", "en"]\n', ""), f"{row.name} = {toml(row.default)}\n")
        for row in SITE
        if row.default is not REQUIRED and row.default is not None
    ),
]


@pytest.mark.parametrize(
    ("without", "line"), [case[2:] for case in SPELLED], ids=[f"{path}.{row.name}" for path, row, *_ in SPELLED]
)
def test_to_spell_a_default_out_changes_nothing(written, without, line):
    without = without.replace('["az", "en"]', '["en"]')
    assert written(without + line) == written(without)


def test_no_answer_holds_longer_or_shorter_for_a_default_that_is_left_out(written):
    assert written(MINIMAL)["shop"].keep == duration("6 months") == 183 * 86400
    assert written(MINIMAL)["shop"].prove == duration("3 years")


@pytest.mark.parametrize(
    ("written_as", "read_as"),
    [
        ('"\\"Bob\'s Font\\", serif"', '"Bob\'s Font", serif'),
        ('"""Inter,\n  sans-serif"""', "Inter, sans-serif"),
        ('"inherit"', "inherit"),
    ],
)
def test_a_list_of_fonts_is_read_as_css_reads_it(written, written_as, read_as):
    assert written(f"{MINIMAL}[sites.shop.theme]\nfont = {written_as}\n")["shop"].theme["font"] == read_as


def test_a_moment_is_of_its_day(written):
    text = MINIMAL.replace("2025-12-20", "2025-12-20T10:00:00Z")
    assert written(text)["shop"].policy_updated.isoformat() == "2025-12-20"


def test_colours_for_the_dark_that_are_left_out_are_those_of_the_light(written):
    light = MINIMAL + "".join(
        f'[sites.shop.theme.{side}]\nbackground = "#fde68a"\ntext = "#1b1f24"\n' for side in ("accept", "refuse")
    )
    assert written(light)["shop"].theme["dark"] == {}
    theme = written(light + '[sites.shop.theme.dark]\nbackground = "#eeeeee"\n')["shop"].theme
    assert theme["dark"]["background"] == "#eeeeee"
    assert all(theme["dark"][name] == theme[name] for name in ("text", "accept", "refuse"))
    with pytest.raises(SettingsError, match=r"theme\.dark\.accept\.text"):
        written(light + "".join(f'[sites.shop.theme.dark.{side}]\ntext = "#ffffff"\n' for side in ("accept", "refuse")))


# ---- The documentation ----


@pytest.mark.parametrize("name", [path_of(heads[0]) or "site" for heads in TABLES])
def test_each_table_of_the_documentation_has_an_example_that_is_read(written, name):
    code = example(f"configuration {name}")
    (rows,) = [rows for heads, rows in TABLES.items() if (path_of(heads[0]) or "site") == name]
    for row in rows:
        below = [heads for heads in TABLES if any(row.name in path_of(head).split(".") for head in heads)]
        assert row.example is not None or below, f"{name}.{row.name} has neither an example nor a table of its own"
        assert row.example is None or f"\n{row.name} = " in code
    assert written(code if name == "site" else example("configuration site") + code) != written(MINIMAL)
