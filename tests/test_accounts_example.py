"""The back end of docs/accounts.md, where the consent server takes nothing from it."""

from __future__ import annotations

import io
import json
import logging
from email.message import Message
from typing import Any
from urllib.error import HTTPError

import pytest
from examples import example
from flask import session


@pytest.mark.parametrize(("code", "is_said"), [(401, True), (404, True), (400, True), (503, False), (0, False)])
def test_what_is_the_shop_s_to_mend_stands_in_its_log(
    code: int, is_said: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in (("SHOP_SECRET", "x"), ("CONSENT_SERVER", "http://consent.example"), ("ACCOUNTS_KEY", "k")):
        monkeypatch.setenv(name, value)
    back: dict[str, Any] = {"__name__": "back"}
    exec(example("accounts flask"), back)
    asked: list[Any] = []

    def refuse(request: Any, timeout: float) -> None:
        asked.append(json.loads(request.data))
        raise HTTPError(request.full_url, code, "refused", Message(), io.BytesIO()) if code else OSError("away")

    back["urlopen"] = refuse

    @back["app"].get("/login")
    def login() -> str:
        session["account"] = 42
        return "<p>Welcome</p>"

    with caplog.at_level(logging.WARNING):
        answer = back["app"].test_client().get("/login")
    assert answer.text == "<p>Welcome</p>"
    assert [each["account"] for each in asked] == ["42"]
    assert [f"HTTP Error {code}" in each for each in caplog.messages] == [True] * is_said
