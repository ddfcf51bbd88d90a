"""Files that exports and archives are written to."""
