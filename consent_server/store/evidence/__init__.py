"""What is kept beside the log to prove it: statements of erasures, endorsements of keys, and what others attest."""
