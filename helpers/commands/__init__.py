"""The front doors: each command in a module of its own."""
