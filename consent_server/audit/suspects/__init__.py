"""Trackers that a shop hands on under its own name: suspected by what they ask for, and by whose number they carry."""
