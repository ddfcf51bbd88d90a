"""The marketers' pages and exports."""
