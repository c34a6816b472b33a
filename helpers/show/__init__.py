"""What a cell displays: figures, tables, highlighted text, a recommendation."""
