"""A week as a letter: a subject, a text, and the same as HTML that fetches nothing and runs nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate

from jinja2 import Environment, PackageLoader, select_autoescape

from ...site import best_language
from ...web.marketer.words import LANGUAGES, Words
from .week import Week

_TEMPLATES = Environment(
    loader=PackageLoader(__package__), autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Letter:
    """What is said of a week, in one language."""

    subject: str
    text: str
    html: str

    @classmethod
    def of(cls, week: Week, page: str | None, lang: str | None = None) -> Letter:
        """Return what is said of a week.

        Args:
            week: what was counted.
            page: the address of the marketers' page, if there is one.
            lang: one of LANGUAGES; the shop's first one of them if left out.
        """
        words = Words.of(lang or best_language([*week.site.languages, "en"], LANGUAGES))
        values = week.values(words, page)
        plain = {**values} | {name: values[name].striptags() for name in ("title", "trend")}
        plain |= {name: [one.striptags() for one in values[name]] for name in ("lead", "advice")}
        plain["marks"] = [(day, one.striptags()) for day, one in values["marks"]]
        return cls(
            values["title"].striptags(),
            _TEMPLATES.get_template("letter.txt").render(**plain),
            _TEMPLATES.get_template("letter.html").render(**values),
        )

    def message(self, sender: str, to: str, name: str) -> EmailMessage:
        """Return it as a message; ``name`` makes its id, which is the same at each attempt."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, to, self.subject
        message["Date"] = formatdate()
        digest = hashlib.sha256(f"{name} {to}".encode()).hexdigest()[:32]
        message["Message-ID"] = f"<digest-{digest}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text)
        message.add_alternative(self.html, subtype="html")
        return message
