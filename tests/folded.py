"""What a page and the server make of names that may be somebody's own."""

FOLDED = [
    ("_xyz", "_xyz"),
    ("_ga_ABC123XYZ", "_ga_*"),
    ("_gac_UA-12345-1", "_gac_UA-*-*"),
    ("ab1", "ab*"),
    ("amp_f3a9c1", "amp_*"),
    ("_hjSessionUser_3405", "_hjSessionUser_*"),
    ("550e8400-e29b-41d4-a716-446655440000", "*-e*b-*d*-a*-*"),
    ("token.thisisalongwordwithoutanydigits", "token.*"),
    ("cart:leyla@mail.example", "cart:*"),
    ("seen https://shop.example/az/mal?x=1", "seen*"),
    ("ad gün", "ad*g*n"),
    ("o123456.ingest.example:8443", "*.ingest.example:*"),
    ("1 2 3", "*"),
    ("a-b-" * 40, ("a-b-" * 40)[:64]),
]
