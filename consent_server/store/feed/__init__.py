"""How others follow the log: webhooks, and systems that read on from where they were."""
