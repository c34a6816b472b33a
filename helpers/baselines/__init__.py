"""What needs no network: the largest class, bags of words, lists of names, memories."""
