"""The browser: opened with a fresh profile, taken to pages, watched while they run."""
