"""The shop of the demo: SmartMarket, with tags of its own that wait for the shopper's answer."""
