"""What a shopper's browser is given: the gate, the banner, the preferences."""
