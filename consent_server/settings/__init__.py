"""What an operator writes: the environment and consent.toml."""
