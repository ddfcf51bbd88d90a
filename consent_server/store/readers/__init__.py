"""Who comes in: marketers, their sessions, links to one report, what marketers note, and the keys of other programs."""
