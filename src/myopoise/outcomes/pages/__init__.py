"""What a page about a definition says: rules in words, numbers with sources, and what is not confirmed."""
