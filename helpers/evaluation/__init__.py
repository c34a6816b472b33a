"""Pure functions on arrays: metrics, significance, effect. No models, no files."""
