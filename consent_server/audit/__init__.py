"""Whether a shop obeys: its pages in a real browser, in every state of consent, and what is there that may not be.

``pages`` says which pages, ``browser`` opens them with a fresh profile, ``visit`` uses them as a shopper does and
``answers`` answers for the shopper; ``watch`` and ``netlog`` see what happens, ``states`` puts it together as
``Observed``. ``findings`` holds that against the shop's ``lists``, ``tag`` and ``consent_mode``, ``advice`` says what
mends it, ``report`` tells people and machines, and ``drafting`` writes the lists that lack.
"""
