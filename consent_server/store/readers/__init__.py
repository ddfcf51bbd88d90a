"""Who reads the rates: marketers, their sessions, links to one report, and what marketers note."""
