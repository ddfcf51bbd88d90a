"""Whether a shop obeys: its pages in a real browser, in every state of consent, and what is there that may not be.

``pages`` says which pages, ``browser`` opens them with a fresh profile, ``watch`` and ``netlog`` see what happens,
``states`` gives the answers, ``findings`` compares with what the shop says, ``report`` tells people and machines.
"""
