"""What ``consent-server serve`` and ``demo`` run: workers that answer, and beside them what is due each day."""
