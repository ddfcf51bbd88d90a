"""How many answered, and how: counts, and what may be concluded from them."""
