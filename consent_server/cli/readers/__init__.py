"""The commands about those who read the rates: marketers, who has a link, and who gets the digest."""
