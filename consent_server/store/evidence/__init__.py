"""What is kept beside the log to prove it: what was asked, erasures, endorsed keys, what others attest."""
