"""Keys of what is in one piece, not spread over buckets: of a shop, an account, a session, and of all of them.

=================================  ======  ==============================================================
key                                type    meaning
=================================  ======  ==============================================================
consent:{SITE}:notices             hash    notice's hash -> its content, JSON
consent:{SITE}:buckets             string  how many buckets its data are spread over
consent:{SITE}:asked               list    what was asked from when on: revision, words, list, variants, JSON
consent:{SITE}:zones               list    from when on days are counted in which time zone, JSON; before that UTC
consent:{SITE}:seals               hash    day -> the signed head of its entries
consent:{SITE}:stamps              hash    day -> the RFC 3161 time-stamp of its seal, as the authority gave it
consent:{SITE}:cosigned            hash    how many seals -> the checkpoint over them that witnesses cosigned
consent:{SITE}:restored            set     signed records of backups that were put back
consent:{SITE}:archives            hash    last day of an archive -> its file, and whether it is trimmed, JSON
consent:{SITE}:alarm:NAME          string  this alarm, or the digest of a week, was told; expires
consent:{SITE}:leaks:DAY           zset    state, kind and name of what is not allowed -> sightings; expires
consent:endorsements               set     what keys signed of the next and the previous one
consent:keys                       hash    id -> public key, JWK, as kept before there were endorsements
consent:{SITE}:api-keys            hash    digest of an API key -> what it is for, JSON
consent:{SITE}:account-keys        hash    the same of keys that link the accounts of a shop
consent:account:SITE:HASH          string  MARK.TOKEN of an account's newest answer, by a keyed hash; expires with it
consent:linked:SITE:DIGEST         set     names of the accounts that have an answer of a subject; expires with them
consent:{SITE}:links               hash    id of a link to a report -> whom it is for, until when, its question, JSON
consent:{SITE}:notes               hash    id of a marketer's note -> its day and text, JSON
consent:sample                     set     sites whose decisions are made up
consent:marketers                  hash    name -> hash of the password and sites, JSON
consent:session:DIGEST             string  who is logged in, JSON; expires
=================================  ======  ==============================================================
"""

from __future__ import annotations

from datetime import date

from ...site import Site
from . import place

ENDORSEMENTS = "consent:endorsements"
PUBLIC_KEYS = "consent:keys"
SAMPLE = "consent:sample"
MARKETERS = "consent:marketers"


def notices(site: Site) -> str:
    """Return the key of all that a site ever asked."""
    return f"consent:{{{site.id}}}:notices"


def spread(site: Site) -> str:
    """Return the key of how many buckets a site's data are spread over."""
    return f"consent:{{{site.id}}}:buckets"


def asked(site: Site) -> str:
    """Return the key of when a site began to ask what."""
    return f"consent:{{{site.id}}}:asked"


def zones(site: Site) -> str:
    """Return the key of the time zones that a site's days were counted in."""
    return f"consent:{{{site.id}}}:zones"


def seals(site: Site) -> str:
    """Return the key of the seals of a site's days."""
    return f"consent:{{{site.id}}}:seals"


def stamps(site: Site) -> str:
    """Return the key of the time-stamps of a site's seals."""
    return f"consent:{{{site.id}}}:stamps"


def cosigned(site: Site) -> str:
    """Return the key of the checkpoints that witnesses cosigned."""
    return f"consent:{{{site.id}}}:cosigned"


def restored(site: Site) -> str:
    """Return the key of the records of backups that were put back."""
    return f"consent:{{{site.id}}}:restored"


def archives(site: Site) -> str:
    """Return the key of the archives of a site's days."""
    return f"consent:{{{site.id}}}:archives"


def alarm(site: Site, name: str) -> str:
    """Return the key that says that an alarm was told."""
    return f"consent:{{{site.id}}}:alarm:{name}"


def leaks(site: Site, day: date) -> str:
    """Return the key of what was seen on a UTC day that is not allowed."""
    return f"consent:{{{site.id}}}:leaks:{day}"


def api_keys(site: Site) -> str:
    """Return the key of the API keys that read a site's rates."""
    return f"consent:{{{site.id}}}:api-keys"


def account_keys(site: Site) -> str:
    """Return the key of the API keys that link a site's accounts."""
    return f"consent:{{{site.id}}}:account-keys"


def account(site: Site, name: str) -> str:
    """Return the key of an account's answer: each lies in a slot of its own."""
    return f"consent:account:{site.id}:{name}"


def linked(site: Site, subject: str) -> str:
    """Return the key of the accounts that have an answer of a subject."""
    return f"consent:linked:{site.id}:{place(site, subject).digest.hex()}"


def links(site: Site) -> str:
    """Return the key of the links that show reports of a site."""
    return f"consent:{{{site.id}}}:links"


def notes(site: Site) -> str:
    """Return the key of what marketers noted of a site."""
    return f"consent:{{{site.id}}}:notes"


def session(digest: str) -> str:
    """Return the key of the session whose cookie has this digest."""
    return f"consent:session:{digest}"
