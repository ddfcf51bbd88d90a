"""What a day of the log is sealed by: the tree of its entries, what they count up to, and which are proven."""
