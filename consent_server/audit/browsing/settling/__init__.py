"""When a page has come to rest, and its workers, which begin and ask for things beside it."""
