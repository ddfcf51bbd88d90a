"""The commands about backups: whether one could be put back, and what is due once it was."""
