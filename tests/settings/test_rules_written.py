"""Rules by place as consent.toml has them: what cannot be is refused in one sentence."""

import pytest
from minimal import MINIMAL

from consent_server.settings.rows import SettingsError
from consent_server.settings.shops import read_sites, snippet_words, words_only_for
from consent_server.site.rules import Rule


def rule(text, name="uk"):
    return f'[[sites.shop.rules]]\nname = "{name}"\n{text}\n'


def read(folder, text):
    file = folder / "consent.toml"
    file.write_text(MINIMAL + text, "utf-8")
    return read_sites(file)["shop"]


def test_a_rule_is_read(tmp_path):
    text = rule('where = ["GB", "US-CA"]\nanalytics = "objection"\nmarketing = "ask"')
    assert read(tmp_path, text).rules == (Rule("uk", ("GB", "US-CA"), {"analytics": "objection"}),)
    assert read(tmp_path, "").rules == ()


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        (rule('where = ["UK"]'), "rules[0].where", "has 'UK', which is no country of ISO 3166-1, did you mean 'GB'?"),
        (rule('where = ["gb"]'), "rules[0].where", "did you mean 'GB'?"),
        (rule('where = ["USA"]'), "rules[0].where", "did you mean 'US'?"),
        (rule('where = ["usa-CA"]'), "rules[0].where", "did you mean 'US-CA'?"),
        (rule('where = ["US-ca"]'), "rules[0].where", "did you mean 'US-CA'?"),
        (rule('where = ["US-California"]'), "rules[0].where", "no part of a country such as"),
        (rule('where = "GB"'), "rules[0].where", "takes a list of places"),
        (rule("where = []"), "rules[0].where", "takes a list of places"),
        (rule(""), "rules[0].where", "is missing"),
        (rule('where = ["GB"]', "UK!"), "rules[0].name", "takes a short name"),
        (rule('where = ["GB"]', "unknown"), "rules[0].name", "takes another name than 'unknown'"),
        (rule('where = ["GB", "GB"]'), "rules[0].where", "has 'GB' twice"),
        (rule('where = ["GB"]') + rule('where = ["FR"]'), "rules[1].name", "the name of another rule"),
        (rule('where = ["GB"]') + rule('where = ["GB"]', "b"), "rules[1].where", "the first time in the rule 'uk'"),
        (rule('where = ["US"]') + rule('where = ["US-CA"]', "b"), "rules[1].where", "US-CA is a part of US"),
        (rule('where = ["US-CA", "US"]'), "rules[0].where", "US-CA is a part of US"),
        (rule('where = ["GB"]\nanalytics = "objecton"'), "rules[0].analytics", "did you mean 'objection'?"),
        (rule('where = ["GB"]\nanalytics = true'), "rules[0].analytics", "takes one of ask, objection, off"),
        (rule('where = ["GB"]\nanalitics = "off"'), "rules[0].analitics", "did you mean 'analytics'?"),
        (rule('where = ["GB"]\nnecessary = "off"'), "rules[0].necessary", "is not known"),
        (rule('where = ["GB"]\nwords = {en = {titel = "A"}}'), "rules[0].words", "did you mean 'title'?"),
    ],
)
def test_what_no_rule_can_be_is_refused_in_one_sentence(tmp_path, text, where, says):
    with pytest.raises(SettingsError) as error:
        read(tmp_path, text)
    assert f"sites.shop.{where} " in str(error.value)
    assert says in str(error.value)
    assert str(error.value).count("\n") == 0


def test_a_language_without_the_words_of_an_objection_is_refused_if_a_rule_needs_them(tmp_path):
    words = {key: text for key, text in snippet_words()["en"].items() if key not in words_only_for("rules")}
    lines = "\n".join(f"{key} = {text!r}" if "'" not in text else f'{key} = "{text}"' for key, text in words.items())
    shop = f'languages = ["en", "eo"]\n[sites.shop.words.eo]\n{lines}\n'
    assert read(tmp_path, shop + rule('where = ["GB"]')).languages == ("en", "eo")
    with pytest.raises(
        SettingsError, match=r"has objection, for which words\.eo lacks details_unless, holding"
    ) as error:
        read(tmp_path, shop + rule('where = ["GB"]\nanalytics = "objection"'))
    assert "sites.shop.rules[0] " in str(error.value)
    more = "\n".join(f'{key} = "x"' for key in words_only_for("rules"))
    assert read(tmp_path, f"{shop}{more}\n" + rule('where = ["GB"]\nanalytics = "off"')).rules
