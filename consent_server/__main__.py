"""``python -m consent_server`` is ``consent-server``."""

from .cli import main

if __name__ == "__main__":  # a worker that is spawned imports this module too
    main()
