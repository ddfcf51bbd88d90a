"""The digest: how a shop's last week was, by mail to whom the operator names and to the shop's webhook, once each."""
