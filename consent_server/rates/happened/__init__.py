"""What happened in a shop: outages, unusual days, other questions, and what browsers saw that no list allows."""
