"""What readers see: figures, tables, the book of executed notebooks."""
