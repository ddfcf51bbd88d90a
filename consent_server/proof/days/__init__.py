"""What a day of the log is sealed by: the tree of its entries, and what they count up to."""
