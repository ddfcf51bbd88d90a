"""The least that a shop in a `consent.toml` can be."""

MINIMAL = """
[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "/privacy"
policy_updated = 2025-12-20
"""
