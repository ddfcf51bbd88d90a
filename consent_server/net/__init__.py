"""What has no part in consent: cookies as HTTP writes them, and a talk with another machine that ends in time."""
