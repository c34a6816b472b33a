"""The best classifier that a labelled file allows, how good it is, and a folder to take away."""
