"""How long a cookie lives: as the list says it to shoppers, and as people say it."""

from __future__ import annotations

from ..catalogue import lives
from ..catalogue.reading import SECONDS, seconds_of_time

_SESSION = frozenset(
    {
        *("session", "browser session", "session cookie", "sessiya", "brauzer sessiyası", "oturum", "oturum süresince"),
        *("сессия", "сеанс", "сессия браузера", "до конца сессии", "до конца сеанса", "oturum boyunca", "seans"),
        *("end of session", "browsing session", "sitzung", "sitzungsende", "fin de session", "sesión", "sessione"),
        *("sessão", "sessie", "sesja", "relace", "relácia", "munkamenet", "sesiune", "сесія", "сесия", "sesija"),
    }
)
"""How people write a life that ends with the browser, where the catalogue has other words."""

_ENDLESS = frozenset(
    {"for ever", "forever", "persistent", "permanent", "unlimited", "never expires", "no expiry", "until deleted"}
    | {"постоянно", "бессрочно", "daimi", "kalıcı", "süresiz", "unbegrenzt", "dauerhaft", "illimité", "permanente"}
)


def seconds_of(words: str, lang: str | None = None) -> float | None:
    """Return the seconds of a life as the list has it, in any language of the banner, or in ``lang``.

    0 is until the browser is closed; None is what has no end, or is said in words that nobody here can read.
    """
    said = words.strip().lower()
    if said in {word.lower() for word in lives()["session"].values()} | _SESSION:
        return 0
    return seconds_of_time(said, lang)


def is_endless(words: str) -> bool:
    """Return whether that says that something stays until somebody takes it away."""
    return words.strip().lower() in {word.lower() for word in lives()["persistent"].values()} | _ENDLESS


def in_days(seconds: float) -> str:
    """Return a time as people say it."""
    for unit in ("day", "hour", "minute"):
        many = round(seconds / SECONDS[unit])
        if many > 1:
            return f"{many} {unit}s"
    return f"{round(seconds)} seconds"
