"""Where texts and weights come from: the catalogue, a file or a hub id."""
