"""The document's statements and what the measurements say of each."""
