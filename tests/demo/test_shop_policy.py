"""The policy of the demo's shop says what the shop's own says, and when it changed."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from demo_shop import in_language, shop
from flask.testing import FlaskClient

from consent_server.demo import storefront
from consent_server.demo.storefront import LANGUAGES, WORDS
from consent_server.site import Site

__all__ = ["shop"]


@pytest.mark.parametrize(
    ("lang", "written"),
    [
        ("az", "20 dekabr 2025-ci il"),
        ("ru", "20 декабря 2025 г."),
        ("en", "20 December 2025"),
        ("tr", "20 Aralık 2025"),
    ],
)
def test_the_policy_says_when_it_changed(shop: FlaskClient, site: Site, lang: str, written: str) -> None:
    assert f'<time datetime="{site.policy_updated}">{written}</time>' in shop.get(in_language(lang, "/privacy")).text


def test_the_policy_names_what_each_kind_is_for(shop: FlaskClient) -> None:
    text = shop.get("/demo/privacy").text
    for promise in (
        "saytın işləməsi üçün",
        "parametrlərinizi yadda saxlamaq üçün",
        "sayt performansını ölçmək üçün",
        "fərdiləşdirilmiş reklamlar üçün",
    ):
        assert promise in text
    assert "<div data-consent-list></div>" in text


# ---- The policy ----


SAID = {
    "az": (
        *("son yenilənmə", "20 dekabr 2025", "soyad", "elektron poçt", "telefon", "çatdırılma ünvanı", "bank kart"),
        *("ip ünvan", "brauzerinizin növü", "cihazınız haqqında", "davran", "cookie məlumatları"),
        *("xidmətlərimizi yaxşılaşdırmaq", "marketinq və reklam"),
        *("satmırıq", "ödəniş prosessorları", "dövlət orqanları", "hüquqi və maliyyə məsləhətçi", "ssl"),
        *("məhdud giriş", "audit", "şifrələnmiş saxlan", "mətn fayl", "brauzerinizin parametrlərində", "zəruri:"),
        *("etiraz", "ötürülməsini", "geri götürmək", "şikayət", "18 yaş", "qəyyum", "elektron poçtla", "privacy@"),
    ),
    "ru": (
        *("последнее обновление", "20 декабря 2025", "фамилия", "электронной почты", "телефон", "адрес доставки"),
        *(
            "банковской карты",
            "ip-адрес",
            "версия браузера",
            "об устройстве",
            "действия на нём",
            "данные файлов cookie",
        ),
        *("улучшать и персонализировать", "маркетинг и рекламу"),
        *("не продаём", "платёжным системам", "государственные органы", "юридическим и финансовым консультант", "ssl"),
        *("ограниченные права", "аудит", "в зашифрованном виде", "текстовые файлы", "в настройках браузера"),
        *("необходимые:", "возразить", "передачи", "отозвать", "жалобу", "младше 18", "опекун", "по электронной почте"),
        "privacy@",
    ),
    "en": (
        *("last updated", "20 december 2025", "last name", "e-mail address", "telephone", "delivery address"),
        *("bank card", "ip address", "version of your browser", "about your device", "behave on it", "cookie data"),
        *("improve and personalise", "marketing and advertising"),
        *("do not sell", "payment processors", "public authorities", "legal and financial advisers", "ssl"),
        *("limited access", "audits", "encrypted storage", "text files", "in your browser's settings", "necessary:"),
        *("to object", "transferred", "withdraw", "complain", "under 18", "guardian", "by e-mail", "privacy@"),
    ),
    "tr": (
        *("son güncelleme", "20 aralık 2025", "soyad", "e-posta", "telefon", "teslimat adres", "banka kartı"),
        *("ip adres", "tarayıcınızın türü", "cihazınıza ilişkin", "davranış", "çerez verileri"),
        *("hizmetlerimizi geliştirmek", "pazarlama ve reklam"),
        *("satmıyoruz", "ödeme kuruluşları", "resmi makamlar", "hukuk ve mali danışman", "ssl"),
        *("sınırlı erişim", "denetim", "şifreli saklan", "metin dosya", "tarayıcınızın ayarlarından", "zorunlu:"),
        *("itiraz", "aktarılmalarını", "geri çekmek", "şikâyet", "18 yaş", "vasi", "e-postayla", "privacy@"),
    ),
}
"""What the policy says in each language, in order."""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_policy_says_all_that_the_shop_s_own_says_in_its_order_and_no_time_that_it_does_not(
    shop: FlaskClient, lang: str
) -> None:
    page = unescape(re.sub(r"<[^>]+>", " ", shop.get(in_language(lang, "/privacy")).text))
    text = re.sub(r"\s+", " ", page).lower().replace("\u0307", "")  # of the Turkish capital İ
    assert len(SAID[lang]) == len(SAID["az"])
    at = -1
    for fact in SAID[lang]:
        found = text.find(fact, at + 1)
        assert found > at, fact
        at = found
    parts = json.dumps(WORDS[lang]["policy"], ensure_ascii=False)
    assert not re.search(r"\d+ (ay|il|gün|yıl|months?|years?|месяц|год)|altı ay|six months|шесть месяцев", parts)


@pytest.mark.parametrize(
    ("year", "ending"),
    [(2020, "ci"), (2023, "cü"), (2025, "ci"), (2026, "cı"), (2027, "ci"), (2029, "cu"), (2030, "cu"), (2100, "cü")],
)
def test_a_year_has_the_ending_that_it_is_said_with(year: int, ending: str) -> None:
    assert storefront.azerbaijani_ordinal(year) == ending
