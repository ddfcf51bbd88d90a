"""The lists that a shop lacks, written out of what was seen: by the catalogue, and by suggestions that say so."""
