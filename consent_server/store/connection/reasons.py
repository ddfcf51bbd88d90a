"""Why Redis is away, in an operator's words, and what to type."""

from __future__ import annotations

import re
import ssl

import redis

NO_PASSWORD = ("HELLO must be called", "NOAUTH", "Authentication required")
WRONG_PASSWORD = ("invalid username-password", "WRONGPASS")
NO_RIGHT = ("NOPERM", "has no permissions", "can't run this command")


def reason(error: BaseException) -> tuple[str, str]:
    """Return what is wrong and what to type against it, each without a full stop.

    Args:
        error: what the client raised.
    """
    # Of what a Sentinel's client says the end is all that it has in memory.
    said, cause = str(error).partition(" : ")[0].rstrip(". "), error.__cause__ or error.__context__
    if any(words in said for words in NO_PASSWORD):
        return "it wants a password", "write it into REDIS_URL: redis://:PASSWORD@HOST:PORT, or with USER before it"
    if any(words in said for words in WRONG_PASSWORD):
        return "it knows no such user and password", "correct them in REDIS_URL: redis://USER:PASSWORD@HOST:PORT"
    if any(words in said for words in NO_RIGHT):
        return "its user may not do that", "give the user the rights that docs/operating.md lists"
    for each in (error, cause):
        if isinstance(each, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(each):
            told = re.search(r"verify failed: ([\w ,'-]+)", str(each))
            return (
                f"its certificate is not believed ({told[1].strip() if told else 'unknown'})",
                "name the authority's certificate in REDIS_URL, as in rediss://HOST:PORT?ssl_ca_certs=/etc/ca.pem",
            )
        if isinstance(each, ssl.SSLError):
            return "it does not speak TLS", "write redis:// in REDIS_URL, or the port on which it speaks TLS"
    if isinstance(error, TimeoutError) or "Timeout" in said or "imed out" in said:
        return (
            "it does not answer in time",
            "see that it runs; if it speaks TLS, write rediss:// in REDIS_URL, else redis://",
        )
    if isinstance(error, redis.ResponseError):
        return f"it refuses: {said}", "type: consent-server check"
    return said, "start it, or correct REDIS_URL"
