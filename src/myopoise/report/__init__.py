"""What a reader sees: one document, and the page, the tables and the terminal made from it. Nothing is computed here."""
