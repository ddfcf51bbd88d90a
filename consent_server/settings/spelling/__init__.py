"""How browsers spell what a shop lists."""
