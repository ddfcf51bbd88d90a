"""The log as evidence: sealed days, exports, receipts."""
