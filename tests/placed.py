"""A shop's rules by place, and what they come to in a dozen places: held against the server and against the page."""

from consent_server.site.rules import Rule

RULES = (
    Rule("uk", ("GB",), {"analytics": "objection"}),
    Rule("states", ("US-CA", "US-CO"), dict.fromkeys(("functional", "analytics", "marketing"), "objection")),
    Rule("china", ("CN",), {"marketing": "off"}),
    Rule("eu", ("DE", "FR")),
)

PLACES = [
    ("GB", "uk", ("ask", "objection", "ask")),
    ("GB-ENG", "uk", ("ask", "objection", "ask")),
    (" uk ", "uk", ("ask", "objection", "ask")),
    ("us-ca", "states", ("objection", "objection", "objection")),
    ("US-NY", "", ("ask", "ask", "ask")),
    ("US-", "unknown", ("ask", "ask", "off")),
    ("CN-31", "china", ("ask", "ask", "off")),
    ("DE", "eu", ("ask", "ask", "ask")),
    ("AZ", "", ("ask", "ask", "ask")),
    ("XX", "unknown", ("ask", "ask", "off")),
    ("", "unknown", ("ask", "ask", "off")),
    ("Britain", "unknown", ("ask", "ask", "off")),
]
"""Where somebody is said to be, which rule that is, and what it says of functional, analytics and marketing cookies."""
