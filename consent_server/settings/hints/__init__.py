"""What an operator is told who has written a setting wrongly, or not at all: what was meant, and what to type."""
