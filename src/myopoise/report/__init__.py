"""What a reader sees: one document, and page, tables and terminal made from it. Nothing is computed here."""
